"""Perplexity, padding, and metrics that leave out padding, as Keras metrics."""

from functools import partial

import keras
import numpy as np
from keras import ops

from keras_seq2seq.losses import apply_weights, is_part_of_keras
from keras_seq2seq.models.inputs import without_ignored

# The metrics of Keras that accept token ids as labels and logits as predictions.
_KERAS_METRICS = (
    keras.metrics.IoU,
    keras.metrics.SparseCategoricalAccuracy,
    keras.metrics.SparseCategoricalCrossentropy,
    keras.metrics.SparseTopKCategoricalAccuracy,
)

# Names that Keras resolves by the shapes of the labels and the predictions.
_AS_SPARSE = {
    "acc": "sparse_categorical_accuracy",
    "accuracy": "sparse_categorical_accuracy",
    "ce": "sparse_categorical_crossentropy",
    "crossentropy": "sparse_categorical_crossentropy",
}


def sum_dtype():
    """Returns the dtype of sums: bfloat16 cannot count beyond 256, nor float16 beyond 2,048."""
    return keras.backend.result_type(keras.config.floatx(), "float32")


class Perplexity(keras.metrics.Metric):
    """The exponential of the mean cross-entropy, weighted by tokens.

    Args:
        name: String.

    Call arguments of `update_state`:
        loss: Scalar, the mean cross-entropy of a batch, in nats per token.
        tokens: Scalar, the number of tokens in the batch.
    """

    def __init__(self, name="perplexity", dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype or sum_dtype(), **kwargs)
        self.total, self.tokens = (
            self.add_weight(shape=(), initializer="zeros", dtype=self.dtype, name=name)
            for name in ("total", "tokens")
        )

    def update_state(self, loss, tokens):
        tokens = ops.cast(tokens, self.dtype)
        self.total.assign_add(ops.cast(loss, self.dtype) * tokens)
        self.tokens.assign_add(tokens)

    def result(self):
        return ops.exp(self.total / ops.maximum(self.tokens, 1.0))

    def as_float(self):
        """Returns the result, computed by NumPy, which is faster than the backend at each step."""
        total, tokens = map(ops.convert_to_numpy, (self.total, self.tokens))
        with np.errstate(over="ignore"):
            return float(np.exp(total / np.maximum(tokens, 1.0)))


class Padding(keras.metrics.Metric):
    """The shares of padding in sources and targets, from 0 to 1.

    Call arguments of `update_state`:
        source_ids: Integer tensor `(batch, source_length)`, 0 for padding.
        labels: Integer tensor `(batch, target_length)`, 0 for padding.

    Output:
        A dictionary with `source_padding` and `target_padding`.
    """

    def __init__(self, name="padding", dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype or sum_dtype(), **kwargs)
        for side in ("source", "target"):
            for what in ("positions", "tokens"):
                name = f"{side}_{what}"
                zero = self.add_weight(shape=(), initializer="zeros", dtype=self.dtype, name=name)
                setattr(self, name, zero)

    def update_state(self, source_ids, labels):
        self.source_positions.assign_add(ops.cast(ops.size(source_ids), self.dtype))
        self.source_tokens.assign_add(ops.cast(ops.count_nonzero(source_ids), self.dtype))
        self.target_positions.assign_add(ops.cast(ops.size(labels), self.dtype))
        self.target_tokens.assign_add(ops.cast(ops.count_nonzero(labels), self.dtype))

    def result(self):
        source = self.source_tokens / ops.maximum(self.source_positions, 1.0)
        target = self.target_tokens / ops.maximum(self.target_positions, 1.0)
        return {"source_padding": 1.0 - source, "target_padding": 1.0 - target}


@keras.saving.register_keras_serializable("keras_seq2seq")
class MaskedMetric(keras.metrics.Metric):
    """A metric over real tokens only.

    Args:
        metric: A `keras.metrics.Metric`, or a function of labels `(batch, time)` and logits
            `(batch, time, vocabulary_size)` that returns a value per token `(batch, time)`, per
            sequence `(batch,)`, or a scalar, whose mean is computed.
        name: String. Defaults to the name of the metric.

    Call arguments of `update_state`:
        y_true: Integer tensor `(batch, time)`, the labels, 0 for padding.
        y_pred: Float tensor `(batch, time, vocabulary_size)`, the logits.
        sample_weight: Float tensor `(batch,)` or `(batch, time)`.
    """

    def __init__(self, metric, name=None, **kwargs):
        name = name or getattr(metric, "name", None) or getattr(metric, "__name__", None)
        super().__init__(name=name, **kwargs)
        self.metric = metric
        is_metric = isinstance(metric, keras.metrics.Metric)
        if hasattr(metric, "_direction"):  # which `EarlyStopping` and others read
            self._direction = metric._direction
        wrapper = keras.metrics.MeanMetricWrapper
        # What computes the values whose mean is the result; other metrics read labels and logits.
        self._function = None
        if not is_metric:
            self._function = metric
        elif type(metric).update_state is wrapper.update_state:
            self._function = partial(metric._fn, **metric._fn_kwargs)
        # What holds the state. A metric may be of a class that overrides `result`.
        self._state = metric if is_metric else keras.metrics.Mean(self.name, sum_dtype())

    def update_state(self, y_true, y_pred, sample_weight=None):
        labels = ops.cast(y_true, "int32")
        if self._function is not None:
            values = self._function(labels, y_pred)
            labels = without_ignored(labels, values)
            values = ops.cast(values, "float32")
            counts = ops.ones_like(values)
            if len(values.shape):
                counts = apply_weights(counts, labels, sample_weight)
            values = ops.where(ops.not_equal(counts, 0.0), values, 0.0)
            values, counts = ops.reshape(values, (-1,)), ops.reshape(counts, (-1,))
            keras.metrics.Mean.update_state(self._state, values, counts)
            return
        weights = apply_weights(ops.ones(ops.shape(labels), "float32"), labels, sample_weight)
        if isinstance(self.metric, keras.metrics.MeanMetricWrapper):
            # A subclass with its own `update_state`. Keras would weight all sequences of a batch
            # alike, whatever their number of tokens.
            labels, weights = ops.reshape(labels, (-1,)), ops.reshape(weights, (-1,))
            y_pred = ops.reshape(y_pred, (-1, ops.shape(y_pred)[-1]))
        self.metric.update_state(labels, y_pred, weights)

    def result(self):
        return self._state.result()

    def reset_state(self):
        self._state.reset_state()

    def get_config(self):
        return {"name": self.name, "metric": keras.saving.serialize_keras_object(self.metric)}

    @classmethod
    def from_config(cls, config):
        metric = keras.saving.deserialize_keras_object(config["metric"])
        return cls(**{**config, "metric": metric})


def resolve_metrics(identifiers):
    """Returns metrics over real tokens for an argument of `compile`.

    Args:
        identifiers: A nested structure of metrics: names, functions or `keras.metrics.Metric`
            objects; or `None`. Cross-entropies given by name are computed from logits.

    Returns:
        A list of `MaskedMetric`, or `None`.

    Raises:
        ValueError: If a metric of Keras does not accept token ids as labels and logits as
            predictions.
    """
    if identifiers is None:
        return None
    return [_resolve_metric(identifier) for identifier in keras.tree.flatten(identifiers)]


def _resolve_metric(identifier):
    if isinstance(identifier, MaskedMetric):
        return identifier
    is_name = isinstance(identifier, str)
    metric = keras.metrics.get(_AS_SPARSE.get(identifier, identifier) if is_name else identifier)
    cross_entropy = keras.metrics.SparseCategoricalCrossentropy
    if not isinstance(metric, keras.metrics.Metric):
        if metric is keras.metrics.sparse_categorical_crossentropy:
            return MaskedMetric(cross_entropy(from_logits=True))
        if metric in (
            keras.metrics.sparse_categorical_accuracy,
            keras.metrics.sparse_top_k_categorical_accuracy,
        ):
            return MaskedMetric(metric)
        if is_part_of_keras(metric):
            raise _unusable(identifier)
        return MaskedMetric(metric)
    if isinstance(metric, cross_entropy) and not metric.get_config()["from_logits"]:
        if not is_name:
            raise ValueError(
                "The model returns logits, not probabilities. Use "
                "`keras.metrics.SparseCategoricalCrossentropy(from_logits=True)`. "
                f"Received: metric={metric}"
            )
        metric = cross_entropy(from_logits=True)
    is_generic = type(metric) is keras.metrics.MeanMetricWrapper
    if is_part_of_keras(type(metric)) and not is_generic and not isinstance(metric, _KERAS_METRICS):
        raise _unusable(identifier)
    if isinstance(metric, keras.metrics.IoU) and (metric.sparse_y_pred or not metric.sparse_y_true):
        raise ValueError(
            "The labels are token ids and the predictions are logits. Use "
            f"`{type(metric).__name__}(..., sparse_y_true=True, sparse_y_pred=False)`. Received: "
            f"sparse_y_true={metric.sparse_y_true}, sparse_y_pred={metric.sparse_y_pred}"
        )
    return MaskedMetric(metric, name=identifier if is_name else None)


def _unusable(identifier):
    return ValueError(
        "The labels are token ids and the predictions are logits. Use metrics such as "
        "'sparse_categorical_accuracy' or `keras.metrics.SparseTopKCategoricalAccuracy(5)`. "
        f"Received: metric={identifier}"
    )
