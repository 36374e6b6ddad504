"""Training losses."""

import keras
from keras import ops

from keras_seq2seq.backend import smoothed_cross_entropy
from keras_seq2seq.special_tokens import PADDING_ID


@keras.saving.register_keras_serializable("keras_seq2seq")
class MaskedCrossEntropy(keras.losses.Loss):
    """Cross-entropy between logits and labels, averaged over all tokens except padding.

    With label smoothing `e`, the target distribution assigns `1 - e` to the label and
    distributes `e` evenly over the vocabulary.

    Args:
        label_smoothing: Float in [0, 1).
        name: String, the name of the loss.
        **kwargs: Arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: Integer tensor `(batch, time)`, the labels, 0 for padding.
        y_pred: Float tensor `(batch, time, vocabulary_size)`, the logits.

    Output:
        A scalar float tensor, in nats per token; 0 if all labels are padding.

    Raises:
        ValueError: If `label_smoothing` is out of range.

    Example:
        >>> model.compile("adam", loss=MaskedCrossEntropy(label_smoothing=0.1))

    Reference:
        - Szegedy et al., 2016, "Rethinking the Inception Architecture for Computer Vision",
          https://arxiv.org/abs/1512.00567, section 7 (label smoothing)
    """

    def __init__(self, label_smoothing=0.0, name="loss", **kwargs):
        super().__init__(name=name, **kwargs)
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                "`label_smoothing` must be at least 0 and below 1. "
                f"Received: label_smoothing={label_smoothing}"
            )
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        loss, _ = self.with_cross_entropy(y_true, y_pred)
        return loss

    def with_cross_entropy(self, y_true, y_pred):
        """Computes the loss together with the cross-entropy without label smoothing.

        Args:
            y_true: Integer tensor `(batch, time)`, the labels, 0 for padding.
            y_pred: Float tensor `(batch, time, vocabulary_size)`, the logits.

        Returns:
            A list of two scalars: the loss, and the cross-entropy, which has no gradient.
        """
        labels = ops.cast(y_true, "int32")
        losses = smoothed_cross_entropy(y_pred, labels, self.label_smoothing)
        tokens = ops.sum(ops.cast(ops.not_equal(labels, PADDING_ID), "float32"))
        return [ops.sum(loss) / ops.maximum(tokens, 1.0) for loss in losses]

    def get_config(self):
        # Without `reduction`, which has no effect on a scalar.
        return {"name": self.name, "label_smoothing": self.label_smoothing}
