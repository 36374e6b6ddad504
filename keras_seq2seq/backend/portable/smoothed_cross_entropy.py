"""Cross-entropy with and without label smoothing, at once."""

from keras import ops


def smoothed_cross_entropy(logits, labels, label_smoothing):
    """Returns the cross-entropy with the smoothed and with the plain labels.

    With `z` the logits, smoothing by `e` adds `e * (z[label] - mean(z))`.

    Args:
        logits: Float tensor `(tokens, vocabulary_size)`.
        labels: Integer tensor `(tokens,)`.
        label_smoothing: Float `e`: the target is `1 - e` on the label, and `e` spread evenly.

    Returns:
        Two tensors `(tokens,)`, in nats. Gradients flow through the first.
    """
    plain = ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    if not label_smoothing:
        return plain, ops.stop_gradient(plain)
    label_logits = ops.take_along_axis(logits, ops.expand_dims(labels, axis=-1), axis=-1)[:, 0]
    smoothed = plain + label_smoothing * (label_logits - ops.mean(logits, axis=-1))
    return smoothed, ops.stop_gradient(plain)
