"""Cross-entropy with and without label smoothing, at once."""

import tensorflow as tf


def smoothed_cross_entropy(logits, labels, label_smoothing):
    """Returns the cross-entropy with the smoothed and with the plain labels.

    Its own gradient goes through the logits once, however much is smoothed. Logits are the largest
    tensor of a step by far, so that each pass through them shows.

    Args:
        logits: Float tensor `(tokens, vocabulary_size)`.
        labels: Integer tensor `(tokens,)`.
        label_smoothing: Float `e`: the target is `1 - e` on the label, and `e` spread evenly.

    Returns:
        Two tensors `(tokens,)`, in nats. Gradients flow through the first.
    """

    @tf.custom_gradient
    def compute(logits):
        plain, gradient = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(
            features=logits, labels=labels
        )
        smoothed = plain
        if label_smoothing:
            label_logits = tf.gather(logits, labels, batch_dims=1)
            smoothed = plain + label_smoothing * (label_logits - tf.reduce_mean(logits, axis=-1))

        def grad(upstream, _):
            if not label_smoothing:
                return gradient * upstream[:, tf.newaxis]
            share = label_smoothing / logits.shape[-1]
            positions = tf.stack([tf.range(tf.size(labels)), labels], axis=-1)
            return tf.tensor_scatter_nd_add(
                (gradient - share) * upstream[:, tf.newaxis], positions, label_smoothing * upstream
            )

        return (smoothed, plain), grad

    return compute(tf.convert_to_tensor(logits))
