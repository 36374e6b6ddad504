"""Cross-entropy with and without label smoothing, and its gradient."""

import keras
import numpy as np
import pytest
from harness import numbers_of
from keras import ops

from keras_seq2seq.backend import portable, smoothed_cross_entropy

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 3, size=(4, 5)).astype("float32")
LABELS = np.array([2, 0, 4, 2], "int32")


@pytest.fixture(
    params=[smoothed_cross_entropy, portable.smoothed_cross_entropy], ids=["own", "portable"]
)
def cross_entropy(request):
    return request.param


def target(label_smoothing):
    return (1 - label_smoothing) * np.eye(5)[LABELS] + label_smoothing / 5


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.6])
def test_agrees_with_the_definition(cross_entropy, label_smoothing):
    smoothed, plain = cross_entropy(
        ops.convert_to_tensor(LOGITS), ops.convert_to_tensor(LABELS), label_smoothing
    )
    log_probabilities = LOGITS - np.log(np.exp(LOGITS).sum(-1, keepdims=True))
    expected = -(target(label_smoothing) * log_probabilities).sum(-1)
    np.testing.assert_allclose(numbers_of(smoothed), expected, rtol=1e-5)
    expected = -log_probabilities[np.arange(4), LABELS]
    np.testing.assert_allclose(numbers_of(plain), expected, rtol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes gradients by tape")
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.6])
def test_gradient_is_the_difference_of_distributions(cross_entropy, label_smoothing):
    import tensorflow as tf

    weights = np.array([1.0, 0.0, 2.0, -1.0], "float32")
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        smoothed, plain = cross_entropy(logits, tf.constant(LABELS), label_smoothing)
        # The plain cross-entropy is there to be looked at only.
        loss = tf.reduce_sum(smoothed * weights) + tf.reduce_sum(plain) * 0.0
    probabilities = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
    expected = (probabilities - target(label_smoothing)) * weights[:, np.newaxis]
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, atol=1e-6)
