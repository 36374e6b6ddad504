import numpy as np

from keras_seq2seq.decoding.penalties import coverage_penalty, length_penalty


def test_length_penalty():
    lengths = np.array([1, 7, 31])
    np.testing.assert_allclose(length_penalty(lengths, 1.0), [1, 2, 6], rtol=1e-6)
    np.testing.assert_allclose(length_penalty(lengths, 0.5), [1, 1.414214, 2.449490], rtol=1e-6)
    np.testing.assert_allclose(length_penalty(lengths, 0.0), [1, 1, 1], rtol=1e-6)


def test_coverage_penalty():
    coverage = np.array([[[0.5, 2.0, 0.1], [1.0, 1.0, 1.0]], [[0.2, 0.0, 0.0], [0.4, 0.0, 0.0]]])
    found = coverage_penalty(coverage.astype("float32"), np.array([3, 1]), 2.0)
    # 2 * (log(0.5) + log(0.1)), 0, 2 * log(0.2), 2 * log(0.4)
    np.testing.assert_allclose(found, [[-5.991465, 0.0], [-3.218876, -1.832581]], rtol=1e-6)


def test_an_unattended_position_costs_a_finite_score():
    found = coverage_penalty(np.zeros((1, 1, 1), "float32"), np.array([1]), 1.0)
    np.testing.assert_allclose(found, [[-23.025851]], rtol=1e-6)
