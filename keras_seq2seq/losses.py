"""Training losses."""

import keras
from keras import ops

from keras_seq2seq.backend import count_replicas, smoothed_cross_entropy
from keras_seq2seq.special_tokens import PADDING_ID

# The other functions serve `models.training`.
__all__ = ["MaskedCrossEntropy"]

# The reductions of Keras that return one loss per token.
_WITHOUT_REDUCTION = (None, "none")


@keras.saving.register_keras_serializable("keras_seq2seq")
class MaskedCrossEntropy(keras.losses.Loss):
    """Cross-entropy between logits and labels, averaged over all tokens except padding.

    With label smoothing `e`, the target distribution assigns `1 - e` to the label and
    distributes `e` evenly over the vocabulary.

    On TensorFlow, the loss is computed from the factors of logits that a model of this package
    returns, so that `tf.gradients` or a `GradientTape` finds no gradient with respect to these
    logits. Pass `tf.identity(logits)` to the loss if you need it.

    With `l` the losses of the real tokens and `w` their weights, which are 1 by default, the
    reductions are those of Keras:

    - `"mean_with_sample_weight"`: `sum(w * l) / sum(w)`, the default
    - `"sum_over_batch_size"` or `"mean"`: `sum(w * l)` divided by the number of real tokens
    - `"sum"`: `sum(w * l)`
    - `"none"` or `None`: `w * l` for each token, `(batch, time)`, 0 for padding

    Padding never counts, whatever its weight.

    Args:
        label_smoothing: Float in [0, 1).
        name: String, the name of the loss.
        reduction: String or `None`, one of the reductions above.
        **kwargs: Arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: Integer tensor `(batch, time)`, the labels, 0 for padding.
        y_pred: Float tensor `(batch, time, vocabulary_size)`, the logits.
        sample_weight: Float tensor `(batch,)` or `(batch, 1)`, a weight for each sequence, or
            `(batch, time)`, a weight for each token.

    Output:
        A scalar float tensor, in nats per token; 0 if all labels are padding or all weights are 0.
        Without reduction, a tensor `(batch, time)`. On a replica of a `tf.distribute` strategy,
        means are divided by the number of replicas, as in Keras.

    Raises:
        ValueError: If `label_smoothing` is out of range, or `reduction` or the shape of
            `sample_weight` is invalid.

    Example:
        >>> model.compile("adam", loss=MaskedCrossEntropy(label_smoothing=0.1))

    Reference:
        - Szegedy et al., 2016, "Rethinking the Inception Architecture for Computer Vision",
          https://arxiv.org/abs/1512.00567, section 7 (label smoothing)
    """

    def __init__(
        self, label_smoothing=0.0, name="loss", reduction="mean_with_sample_weight", **kwargs
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                "`label_smoothing` must be at least 0 and below 1. "
                f"Received: label_smoothing={label_smoothing}"
            )
        self.label_smoothing = label_smoothing

    def __call__(self, y_true, y_pred, sample_weight=None):
        labels = ops.cast(y_true, "int32")
        values = self.call(labels, ops.convert_to_tensor(y_pred))
        if self.reduction in _WITHOUT_REDUCTION:
            return apply_weights(values, labels, sample_weight)
        loss = ops.divide_no_nan(*weighted_sum(values, labels, sample_weight, self.reduction))
        if self.reduction == "sum":
            return loss
        # As in Keras, since plain Keras models add up the gradients of their replicas.
        return loss / count_replicas()

    def call(self, y_true, y_pred):
        """Returns the loss of each token, `(batch, time)`, 0 for padding."""
        values, _ = self.with_cross_entropy(y_true, y_pred)
        return values

    def with_cross_entropy(self, y_true, y_pred, consistency=0.0):
        """Computes the loss together with the cross-entropy without label smoothing.

        Args:
            y_true: Integer tensor `(batch, time)`, the labels, 0 for padding.
            y_pred: Float tensor `(batch, time, vocabulary_size)`, the logits.
            consistency: Float. If not 0, rows `2i` and `2i + 1` are two passes over the same
                sequence, and the loss includes `consistency` times the mean of both
                Kullback-Leibler divergences between their predictions.

        Returns:
            Two tensors `(batch, time)`, 0 for padding: the loss of each token, and its
            cross-entropy, which has no gradient.
        """
        labels = ops.cast(y_true, "int32")
        return smoothed_cross_entropy(y_pred, labels, self.label_smoothing, consistency)

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def resolve_loss(identifier):
    """Returns the loss object for an argument of `compile`, for models that return logits.

    Args:
        identifier: A `keras.losses.Loss`, a function of labels and logits, a name, or `None` for
            `MaskedCrossEntropy`. Cross-entropies given by name are computed from logits.

    Returns:
        A `keras.losses.Loss`.

    Raises:
        ValueError: If the loss does not accept token ids as labels and logits as predictions, or
            has no reduction.
    """
    if isinstance(identifier, dict) and "class_name" not in identifier:
        identifier = list(identifier.values())
    if isinstance(identifier, (list, tuple)) and len(identifier) == 1:
        (identifier,) = identifier
    if identifier is None or identifier in ("MaskedCrossEntropy", "masked_cross_entropy"):
        return MaskedCrossEntropy()
    sparse = keras.losses.SparseCategoricalCrossentropy
    if identifier in ("crossentropy", "ce"):
        return sparse(from_logits=True)
    if isinstance(identifier, (list, tuple)):
        raise ValueError(
            f"The model has one output and needs one loss. Received: loss={identifier}"
        )
    loss = keras.losses.get(identifier)
    if loss is keras.losses.sparse_categorical_crossentropy:
        return sparse(from_logits=True)
    if isinstance(loss, sparse):
        # A name or a class has no arguments that could be wrong.
        if not isinstance(identifier, (keras.losses.Loss, dict)):
            return sparse(from_logits=True)
        if not loss.from_logits:
            raise ValueError(
                "The model returns logits, not probabilities. Use "
                "`keras.losses.SparseCategoricalCrossentropy(from_logits=True)`. "
                f"Received: loss={loss}"
            )
    elif is_part_of_keras(loss):
        raise ValueError(
            "The labels are token ids and the predictions are logits. Use `MaskedCrossEntropy()` "
            "or `keras.losses.SparseCategoricalCrossentropy(from_logits=True)`. "
            f"Received: loss={identifier}"
        )
    if not isinstance(loss, keras.losses.Loss):
        return FunctionLoss(loss)
    if loss.reduction in _WITHOUT_REDUCTION:
        raise ValueError(
            "`compile` needs a loss that returns a scalar, such as "
            f"`{type(loss).__name__}(reduction='sum')`. Received: reduction={loss.reduction!r}"
        )
    return loss


@keras.saving.register_keras_serializable("keras_seq2seq")
class FunctionLoss(keras.losses.Loss):
    """A loss that calls a function.

    Args:
        function: Function of labels `(batch, time)` and logits `(batch, time, vocabulary_size)`
            that returns the loss of each token `(batch, time)`, of each sequence `(batch,)`, or a
            scalar.
        name: String. Defaults to the name of the function.
        **kwargs: Arguments of `keras.losses.Loss`.
    """

    def __init__(self, function, name=None, **kwargs):
        super().__init__(name=name or getattr(function, "__name__", "loss"), **kwargs)
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)

    def get_config(self):
        function = keras.saving.serialize_keras_object(self.function)
        return {**super().get_config(), "function": function}

    @classmethod
    def from_config(cls, config):
        function = keras.saving.deserialize_keras_object(config["function"])
        return cls(**{**config, "function": function})


def is_part_of_keras(value):
    """Returns whether a class, a function, a method or the class of an object is one of Keras."""
    owner = value if hasattr(value, "__name__") else type(value)
    return owner.__module__.split(".")[0] == "keras"


def apply_weights(values, labels, sample_weight=None):
    """Returns losses multiplied by their weights, 0 for padding.

    Args:
        values: Float tensor `(batch, time)` or `(batch,)`.
        labels: Integer tensor `(batch, time)`, 0 for padding.
        sample_weight: See `MaskedCrossEntropy`.
    """

    def zero_for_padding(numbers):
        # They may be infinite, and NaN if multiplied by 0.
        is_padding = ops.equal(labels, PADDING_ID)
        return ops.where(is_padding, 0.0, numbers) if len(values.shape) == 2 else numbers

    values = zero_for_padding(values)
    if sample_weight is None:
        return values
    weights = ops.cast(align_weights(sample_weight, values), values.dtype)
    return values * zero_for_padding(weights)


def weighted_sum(values, labels, sample_weight, reduction):
    """Returns the sum of losses, and the number by which `reduction` divides it.

    Args:
        values: Float tensor: losses of tokens `(batch, time)`, of sequences `(batch,)`, or a
            scalar, the mean of the batch.
        labels: Integer tensor `(batch, time)`, 0 for padding.
        sample_weight: See `MaskedCrossEntropy`.
        reduction: String, see `MaskedCrossEntropy`.

    Returns:
        Two scalars, the sum and the divisor.

    Raises:
        ValueError: If there are weights, but `values` is a scalar.
    """
    if len(values.shape) == 0:
        if sample_weight is not None:
            raise ValueError(
                "`sample_weight` needs a loss function that returns a loss per token or sequence. "
                "Received: a scalar loss"
            )
        rows = ops.cast(ops.shape(labels)[0], values.dtype)
        return values * rows, ops.ones_like(rows) if reduction == "sum" else rows
    total = ops.sum(apply_weights(values, labels, sample_weight))
    if reduction == "sum":
        return total, ops.ones_like(total)
    counts = ops.ones_like(values)
    weights = sample_weight if reduction == "mean_with_sample_weight" else None
    return total, ops.sum(apply_weights(counts, labels, weights))


def align_weights(sample_weight, values):
    """Returns weights that can be multiplied by losses of tokens or sequences.

    Args:
        sample_weight: See `MaskedCrossEntropy`.
        values: Tensor `(batch, time)` or `(batch,)`.

    Returns:
        Tensor of the rank of the values, with one column for weights of sequences.

    Raises:
        ValueError: If the shape of the weights does not match.
    """
    if isinstance(sample_weight, dict) and len(sample_weight) == 1:  # by the name of the output
        (sample_weight,) = sample_weight.values()
    if isinstance(sample_weight, (list, tuple)) and len(sample_weight) == 1:
        # A list of numbers contains the weights of sequences.
        if getattr(sample_weight[0], "shape", ()) != ():
            (sample_weight,) = sample_weight
    weights = ops.convert_to_tensor(sample_weight)
    rank = len(values.shape)
    if getattr(weights.shape, "rank", 0) is None:
        # A graph of TensorFlow for weights of sequences and of tokens.
        rows = ops.shape(values)[0]
        columns = ops.maximum(ops.size(weights) // ops.maximum(rows, 1), 1)
        return ops.reshape(weights, (rows, columns) if rank == 2 else (rows,))
    shape = tuple(weights.shape)
    if rank == 2 and len(shape) == 1:
        return ops.expand_dims(weights, axis=-1)
    if rank == 1 and len(shape) == 2 and shape[1] == 1:
        return ops.squeeze(weights, axis=-1)
    sizes = zip(shape, values.shape, strict=False)
    if len(shape) != rank or any(
        None not in (size, wanted) and size not in (1, wanted) for size, wanted in sizes
    ):
        raise ValueError(
            "`sample_weight` must be a weight per sequence, of shape (batch,), or per token, of "
            f"shape (batch, time). Received: shape {shape} for losses of shape "
            f"{tuple(values.shape)}"
        )
    return weights
