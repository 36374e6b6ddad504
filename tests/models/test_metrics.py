import keras
import numpy as np
import pytest

from keras_seq2seq.models.metrics import Padding, Perplexity


def test_shares_over_all_batches():
    padding = Padding()
    padding.update_state(np.array([[5, 3, 0], [3, 0, 0]]), np.array([[4, 3], [3, 0]]))
    padding.update_state(np.array([[5, 3]]), np.array([[3]]))
    found = {name: float(share) for name, share in padding.result().items()}
    assert found == {
        "source_padding": pytest.approx(3 / 8),
        "target_padding": pytest.approx(1 / 5),
    }


def test_weighs_tokens_alike():
    perplexity = Perplexity()
    perplexity.update_state(np.log(2.0), 3)
    perplexity.update_state(np.log(16.0), 1)
    # The geometric mean of 2, 2, 2 and 16.
    np.testing.assert_allclose(float(perplexity.result()), 128**0.25, rtol=1e-6)
    perplexity.reset_state()
    perplexity.update_state(np.log(5.0), 7)
    np.testing.assert_allclose(float(perplexity.result()), 5, rtol=1e-6)


def test_of_nothing_is_one():
    assert float(Perplexity().result()) == 1
    assert Perplexity().as_float() == 1


def test_as_float_is_the_result_and_infinite_beyond_the_range():
    perplexity = Perplexity()
    perplexity.update_state(np.log(2.0), 3)
    perplexity.update_state(np.log(16.0), 1)
    np.testing.assert_allclose(perplexity.as_float(), 128**0.25, rtol=1e-6)
    perplexity.update_state(1e6, 1)
    assert perplexity.as_float() == np.inf


@pytest.mark.parametrize("floatx", ["bfloat16", "float16"])
def test_counts_are_exact_with_a_floatx_of_low_precision(floatx):
    before = keras.config.floatx()
    keras.config.set_floatx(floatx)
    try:
        perplexity, padding = Perplexity(), Padding()
        for _ in range(300):
            perplexity.update_state(np.log(2.0), 7)
            padding.update_state(np.array([[5, 0, 0, 0]]), np.array([[4, 5, 6, 0]]))
    finally:
        keras.config.set_floatx(before)
    assert float(perplexity.tokens) == 2100
    assert float(perplexity.result()) == pytest.approx(2, rel=1e-4)
    shares = {"source_padding": pytest.approx(0.75), "target_padding": pytest.approx(0.25)}
    assert {name: float(share) for name, share in padding.result().items()} == shares
