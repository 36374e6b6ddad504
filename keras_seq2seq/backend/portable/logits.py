"""The last product of a model, and its loss."""

from keras import ops

from keras_seq2seq.backend.portable.product import affine
from keras_seq2seq.special_tokens import PADDING_ID


def make_logits(features, weights):
    """Returns `features kernel + bias`, from which `smoothed_cross_entropy` costs less.

    Args:
        features: Tensor `(..., size)`.
        weights: Function without arguments that gives the kernel, a tensor `(size,
            vocabulary_size)` of the dtype of the features, and the bias, a tensor
            `(vocabulary_size,)` of the dtype that the logits are to have.
    """
    kernel, bias = weights()
    return affine(features, kernel, bias, bias.dtype)


def join_logits(parts):
    """Joins the logits of the parts of a batch, each as `make_logits` has returned it."""
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=0)


def smoothed_cross_entropy(logits, labels, label_smoothing):
    """Returns the cross-entropy with the smoothed and with the plain labels.

    With `z` the logits, smoothing by `e` adds `e * (z[label] - mean(z))`.

    Args:
        logits: Tensor `(..., vocabulary_size)`.
        labels: Integer tensor `(...)`.
        label_smoothing: Float `e`: the target is `1 - e` on the label, and `e` spread evenly.

    Returns:
        Two float32 tensors `(...)`, in nats, 0 for padding. Gradients flow through the first.
    """
    logits = ops.cast(logits, "float32")
    real = ops.cast(ops.not_equal(labels, PADDING_ID), "float32")
    plain = real * ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    if not label_smoothing:
        return plain, ops.stop_gradient(plain)
    label_logits = ops.take_along_axis(logits, ops.expand_dims(labels, axis=-1), axis=-1)[..., 0]
    smoothed = plain + label_smoothing * real * (label_logits - ops.mean(logits, axis=-1))
    return smoothed, ops.stop_gradient(plain)
