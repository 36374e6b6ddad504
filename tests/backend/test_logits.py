"""The last product of a model, and its cross-entropy with and without label smoothing."""

import keras
import numpy as np
import pytest
from harness import numbers_of
from keras import ops

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(0, 2, size=(40, 3, 4)).astype("float32")
KERNEL = RNG.normal(0, 1, size=(4, 5)).astype("float32")
BIAS = RNG.normal(0, 1, size=5).astype("float32")
LOGITS = FEATURES @ KERNEL + BIAS
LABELS = np.tile(np.array([[2, 0, 4], [2, 1, 0]], "int32"), (20, 1))  # 0 is padding
SMOOTHING = [0.0, 0.1, 0.6]

needs_tape = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes gradients by tape"
)


def target(label_smoothing):
    """The distribution that is aimed at; none for padding."""
    smoothed = (1 - label_smoothing) * np.eye(5)[LABELS] + label_smoothing / 5
    return smoothed * is_real()


def is_real():
    return (LABELS != 0)[..., np.newaxis]


def probabilities():
    return np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)


@pytest.mark.parametrize("rows", [(40, 3), (120,)])
def test_logits_are_a_product_and_a_sum(functions, rows):
    features = ops.convert_to_tensor(FEATURES.reshape(*rows, 4))
    logits = functions.make_logits(features, lambda: (ops.convert_to_tensor(KERNEL), BIAS))
    np.testing.assert_allclose(numbers_of(logits), LOGITS.reshape(*rows, 5), rtol=1e-5)


def test_the_kernel_can_be_the_table_of_an_embedding(functions):
    features, table, bias = map(ops.convert_to_tensor, (FEATURES, KERNEL.T, BIAS))
    logits = functions.make_logits(features, lambda: (table, bias), transpose_kernel=True)
    np.testing.assert_allclose(numbers_of(logits), LOGITS, rtol=1e-5)
    smoothed, _ = functions.smoothed_cross_entropy(logits, ops.convert_to_tensor(LABELS), 0.1)
    expected = -(target(0.1) * np.log(probabilities())).sum(-1)
    np.testing.assert_allclose(numbers_of(smoothed), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("label_smoothing", SMOOTHING)
@pytest.mark.parametrize("are_made", [True, False])
def test_cross_entropy_agrees_with_the_definition(functions, label_smoothing, are_made):
    features, *weights = map(ops.convert_to_tensor, (FEATURES, KERNEL, BIAS))
    made = functions.make_logits(features, lambda: weights)
    logits = made if are_made else ops.convert_to_tensor(LOGITS)
    smoothed, plain = functions.smoothed_cross_entropy(
        logits, ops.convert_to_tensor(LABELS), label_smoothing
    )
    expected = -(target(label_smoothing) * np.log(probabilities())).sum(-1)
    np.testing.assert_allclose(numbers_of(smoothed), expected, rtol=1e-5, atol=1e-5)
    expected = -(target(0) * np.log(probabilities())).sum(-1)
    np.testing.assert_allclose(numbers_of(plain), expected, rtol=1e-5, atol=1e-5)


def test_a_hopeless_label_has_its_cross_entropy(functions):
    # Of probability exp(-200), which float32 does not have.
    kernel = np.array([[-200.0, 100.0, -100.0]], "float32")
    arrays = np.ones((2, 1), "float32"), kernel, np.zeros(3, "float32")
    features, *weights = map(ops.convert_to_tensor, arrays)
    logits = functions.make_logits(features, lambda: weights)
    _, plain = functions.smoothed_cross_entropy(logits, ops.convert_to_tensor([2, 1]), 0.0)
    np.testing.assert_allclose(numbers_of(plain), [200, 0], atol=1e-4)


@needs_tape
@pytest.mark.parametrize("label_smoothing", SMOOTHING)
@pytest.mark.parametrize("transpose_kernel", [False, True])
def test_gradient_is_the_difference_of_distributions(functions, label_smoothing, transpose_kernel):
    import tensorflow as tf

    weights = np.tile(np.array([[1.0, 0.0, 2.0], [-1.0, 0.5, 3.0]], "float32"), (20, 1))
    kernel = KERNEL.T if transpose_kernel else KERNEL
    tensors = [tf.constant(array) for array in (FEATURES, kernel, BIAS)]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        smoothed, plain = functions.smoothed_cross_entropy(
            functions.make_logits(tensors[0], lambda: tensors[1:], transpose_kernel),
            tf.constant(LABELS),
            label_smoothing,
        )
        # The plain cross-entropy is there to be looked at only.
        loss = tf.reduce_sum(smoothed * weights) + tf.reduce_sum(plain) * 0.0
    difference = (probabilities() * is_real() - target(label_smoothing)) * weights[..., np.newaxis]
    d_kernel = np.einsum("btd,btv->dv", FEATURES, difference)
    expected = [
        difference @ KERNEL.T,
        d_kernel.T if transpose_kernel else d_kernel,
        difference.sum((0, 1)),
    ]
    for found, wanted in zip(tape.gradient(loss, tensors), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@needs_tape
def test_logits_that_somebody_else_reads_have_their_gradient_too(functions):
    import tensorflow as tf

    kernel = tf.constant(KERNEL)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        logits = functions.make_logits(tf.constant(FEATURES), lambda: (kernel, BIAS))
        loss = tf.reduce_sum(logits)
    expected = np.repeat(FEATURES.sum((0, 1))[:, np.newaxis], 5, axis=1)
    np.testing.assert_allclose(tape.gradient(loss, kernel), expected, rtol=1e-5)


@needs_tape
@pytest.mark.parametrize("label_smoothing", SMOOTHING)
def test_half_precision_is_near(functions, label_smoothing):
    import tensorflow as tf

    tensors = [tf.constant(array) for array in (FEATURES, KERNEL, BIAS)]
    results = []
    for dtype in ("float32", "bfloat16"):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            features, kernel = (tf.cast(tensor, dtype) for tensor in tensors[:2])
            weights = kernel, tensors[2]
            logits = functions.make_logits(features, lambda weights=weights: weights)
            smoothed, _ = functions.smoothed_cross_entropy(logits, LABELS, label_smoothing)
            loss = tf.reduce_mean(smoothed)
        assert logits.dtype == loss.dtype == "float32"
        results.append([loss, *tape.gradient(loss, tensors)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, atol=0.03)


# Rows 2i and 2i + 1 of a batch are two passes over the same sequence.
PAIRED_LABELS = np.repeat(RNG.integers(0, 5, size=(20, 3)).astype("int32"), 2, axis=0)


def divergences():
    """The mean of both divergences between two passes, `(40, 3)`, for each of the passes."""
    first, second = probabilities()[::2], probabilities()[1::2]
    forward = (first * np.log(first / second)).sum(-1)
    backward = (second * np.log(second / first)).sum(-1)
    return np.repeat((forward + backward) / 2, 2, axis=0)


@pytest.mark.parametrize("are_made", [True, False])
def test_consistency_adds_the_divergence_of_two_passes(functions, are_made):
    features, *weights = map(ops.convert_to_tensor, (FEATURES, KERNEL, BIAS))
    made = functions.make_logits(features, lambda: weights)
    logits = made if are_made else ops.convert_to_tensor(LOGITS)
    labels = ops.convert_to_tensor(PAIRED_LABELS)
    alone, _ = functions.smoothed_cross_entropy(logits, labels, 0.1)
    loss, plain = functions.smoothed_cross_entropy(logits, labels, 0.1, consistency=1.5)
    expected = 1.5 * divergences() * (PAIRED_LABELS != 0)
    np.testing.assert_allclose(numbers_of(loss) - alone, expected, rtol=1e-4, atol=1e-4)
    _, plain_alone = functions.smoothed_cross_entropy(logits, labels, 0.0)
    np.testing.assert_allclose(numbers_of(plain), numbers_of(plain_alone), rtol=1e-6)


@needs_tape
def test_gradient_of_consistency_agrees_with_automatic_differentiation(functions):
    import tensorflow as tf

    tensors = [tf.constant(array) for array in (FEATURES, KERNEL, BIAS)]
    real = (PAIRED_LABELS != 0).astype("float32")
    weights = np.repeat(RNG.uniform(0.5, 2, size=(20, 3)).astype("float32"), 2, axis=0)

    def gradients(loss_of):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            loss = loss_of(*tensors)
        return tape.gradient(loss, tensors)

    def by_definition(features, kernel, bias):
        log_p = tf.nn.log_softmax(tf.einsum("btd,dv->btv", features, kernel) + bias)
        targets = 0.9 * tf.one_hot(PAIRED_LABELS, 5) + 0.02
        loss = -tf.reduce_sum(targets * log_p, -1)
        first, second = log_p[::2], log_p[1::2]
        forward = tf.reduce_sum(tf.exp(first) * (first - second), -1)
        backward = tf.reduce_sum(tf.exp(second) * (second - first), -1)
        loss += 1.5 * tf.repeat((forward + backward) / 2, 2, axis=0)
        return tf.reduce_sum(loss * real * weights)

    def measured(features, kernel, bias):
        logits = functions.make_logits(features, lambda: (kernel, bias))
        loss, _ = functions.smoothed_cross_entropy(logits, tf.constant(PAIRED_LABELS), 0.1, 1.5)
        return tf.reduce_sum(loss * weights)

    for found, wanted in zip(gradients(measured), gradients(by_definition), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
