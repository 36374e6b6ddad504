import numpy as np

from keras_seq2seq.models.perplexity import Perplexity


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
