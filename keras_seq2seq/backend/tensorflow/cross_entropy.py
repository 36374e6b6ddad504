"""The loss, computed together with the product of the output layer.

Logits are by far the largest tensor of a training step, so that every pass over them takes
noticeable time. With a custom gradient, product and loss take six passes: the product, its bias,
the softmax, and three products of the gradient, which differs from the probabilities in one number
per token. Padding is left out of all of them.
"""

import tensorflow as tf

from keras_seq2seq.backend import portable
from keras_seq2seq.backend.tensorflow.products import (
    as_rows,
    fill_up,
    multiply_with_kernel,
    transpose,
)
from keras_seq2seq.special_tokens import PADDING_ID

# The logarithm of a smaller probability is inaccurate or infinite.
MIN_PROBABILITY = 1e-30

# The number of real tokens is rounded up to a multiple of this.
ROW_MULTIPLE = 32


def join_logits(parts):
    """Concatenates the logits of micro-batches, each as returned by `make_logits`."""
    if len(parts) == 1:
        return parts[0]
    logits = tf.concat(parts, axis=0)
    if all(hasattr(part, "_factors") for part in parts):
        # All have the same kernel, which is then cast once.
        features, *weights = parts[0]._factors
        logits._factors = sum((part._factors[0] for part in parts), []), *weights
    return logits


def smoothed_cross_entropy(logits, labels, label_smoothing, consistency=0.0):
    """Returns the loss of each token, and its cross-entropy with the plain label.

    Args:
        logits: Tensor `(..., vocabulary_size)`, preferably as returned by `make_logits`.
        labels: Integer tensor `(...)`.
        label_smoothing: Float `e`: the target is `1 - e` on the label, plus `e` spread evenly.
        consistency: Float. If not 0, rows `2i` and `2i + 1` of the leading axis are two passes over
            the same sequence, and the loss of each token includes `consistency` times the mean of
            both Kullback-Leibler divergences between the two predictions. The gradients of the
            losses of a token in both passes must be equal.

    Returns:
        Two float32 tensors `(...)`, in nats, 0 for padding. Gradients flow through the first.
    """
    if not hasattr(logits, "_factors"):
        return portable.smoothed_cross_entropy(logits, labels, label_smoothing, consistency)

    parts, *weights = logits._factors
    sizes = [tf.shape(features)[0] for features in parts]
    labels = tf.split(labels, sizes, num=len(parts))
    losses = [
        _losses_of_part(*part, weights, label_smoothing, consistency)
        for part in zip(parts, labels, strict=True)
    ]
    return [tf.concat(loss, axis=0) for loss in zip(*losses, strict=True)]


def _losses_of_part(features, labels, weights, label_smoothing, consistency):
    """Returns loss and cross-entropy `(...)` of features `(..., size)`, without padding.

    The weights are kernel and bias, and whether the kernel is transposed.
    """
    shape, size = tf.shape(labels), tf.size(labels)
    # Otherwise, labels would be compared with the logits of other tokens.
    message = "The labels must have the shape (batch, target_length) of `target_ids`."
    tf.debugging.assert_equal(shape, tf.shape(features)[:-1], message=message)
    labels = tf.reshape(labels, (-1,))
    if consistency:
        # All first passes, then all second ones.
        positions = tf.reshape(tf.range(size), (-1, 2, tf.reduce_prod(shape[1:])))
        positions = tf.reshape(tf.transpose(positions, (1, 0, 2)), (2, -1))
        rows = _real_rows(tf.gather(labels, positions[0]))
        rows = tf.reshape(tf.gather(positions, rows, axis=1), (-1,))
    else:
        rows = _real_rows(labels)
    losses = _cross_entropies(
        tf.gather(as_rows(features), rows),
        tf.gather(labels, rows),
        *weights,
        label_smoothing,
        consistency,
    )
    return [tf.reshape(tf.math.unsorted_segment_sum(loss, rows, size), shape) for loss in losses]


def _cross_entropies(
    features, labels, kernel, bias, transpose_kernel, label_smoothing, consistency
):
    """Returns loss and cross-entropy of rows of features `(rows, size)`.

    With `consistency`, the second half of the rows are second passes over those of the first half.
    """
    tokens = tf.size(labels)
    positions = tf.stack([tf.range(tokens), labels], axis=-1)

    @tf.custom_gradient
    def compute(features, kernel, bias):
        products = multiply_with_kernel(features[tf.newaxis], kernel, transpose_kernel)
        logits = tf.squeeze(products + tf.cast(bias, features.dtype), axis=0)
        probabilities = tf.nn.softmax(logits)
        label_logits = tf.cast(tf.gather_nd(logits, positions), tf.float32)
        label_probabilities = tf.cast(tf.gather_nd(probabilities, positions), tf.float32)
        plain = tf.cond(
            tf.reduce_min(label_probabilities) > MIN_PROBABILITY,
            lambda: -tf.math.log(label_probabilities),
            lambda: tf.reduce_logsumexp(tf.cast(logits, tf.float32), axis=-1) - label_logits,
        )
        loss = plain
        if label_smoothing:
            # The mean of the logits, without a pass over them.
            axis = 0 if transpose_kernel else 1
            mean_kernel = tf.reduce_mean(tf.cast(kernel, tf.float32), axis=axis)
            mean_bias = tf.reduce_mean(tf.cast(bias, tf.float32))
            mean_logits = tf.linalg.matvec(tf.cast(features, tf.float32), mean_kernel) + mean_bias
            loss += label_smoothing * (label_logits - mean_logits)
        if consistency:
            divergences, d_divergences = _mean_divergences(logits, probabilities)
            loss += consistency * divergences

        def gradient(upstream, _):
            difference = probabilities
            if label_smoothing:
                difference -= label_smoothing / logits.shape[-1]
            if consistency:
                # Each divergence is part of the losses of both passes.
                difference += 2 * consistency * d_divergences()
            # Nothing reads the probabilities after `plain`: this operation changes them in place.
            # `tensor_scatter_nd_sub` always copies them first on a CPU.
            with tf.control_dependencies([plain]):
                on_label = tf.fill([tokens], tf.cast(label_smoothing - 1, logits.dtype))
                difference = tf.raw_ops.ScatterNdNonAliasingAdd(
                    input=difference, indices=positions, updates=on_label
                )
            # The upstream gradient scales the rows of the other factors, which are smaller.
            scale = tf.reshape(upstream, (-1, 1))
            scaled_features = tf.cast(tf.cast(features, scale.dtype) * scale, features.dtype)
            table = kernel if transpose_kernel else transpose(kernel)
            d_features = tf.matmul(difference, table)
            # One after the other, since each uses all cores.
            with tf.control_dependencies([d_features]):
                difference = tf.identity(difference)
            left, right = scaled_features, difference
            if transpose_kernel:
                left, right = right, left
            d_kernel = tf.matmul(left, right, transpose_a=True)
            d_bias = tf.matmul(tf.cast(scale, difference.dtype), difference, transpose_a=True)
            d_features = tf.cast(tf.cast(d_features, scale.dtype) * scale, features.dtype)
            return d_features, d_kernel, tf.cast(d_bias[0], bias.dtype)

        return [loss, plain], gradient

    real = tf.cast(labels != PADDING_ID, tf.float32)
    return [loss * real for loss in compute(features, kernel, bias)]


def _mean_divergences(logits, probabilities):
    """Computes the mean of both divergences between two passes over the same tokens.

    Args:
        logits: Tensor `(2 * tokens, vocabulary_size)`, those of the first pass first.
        probabilities: Tensor of the same shape, their softmax.

    Returns:
        The divergence of each row, float32 `(2 * tokens,)`, and a function without arguments that
        returns its gradient with respect to the logits.
    """
    first, second = tf.split(probabilities, 2)
    difference = first - second
    # The logarithm of the ratio of probabilities, except for a number for each token, which has
    # no effect on the sum, since the differences of probabilities add up to 0.
    ratio = tf.subtract(*tf.split(logits, 2))
    divergence = tf.reduce_sum(tf.cast(difference * ratio, tf.float32), axis=-1) / 2

    def gradient():
        def mean(weights):
            return tf.reduce_sum(weights * ratio, axis=-1, keepdims=True)

        d_first = first * (ratio - mean(first)) + difference
        d_second = -second * (ratio - mean(second)) - difference
        return tf.concat([d_first, d_second], axis=0) / 2

    return tf.tile(divergence, [2]), gradient


def _real_rows(labels):
    """Returns the positions of real labels `(tokens,)`, rounded up to a multiple with padding."""
    is_padding = tf.cast(labels == PADDING_ID, tf.int32)
    rows = tf.argsort(is_padding, stable=True)
    real = tf.size(labels) - tf.reduce_sum(is_padding)
    return rows[: fill_up(real, ROW_MULTIPLE)]
