"""Training encoder-decoder models with `compile` and `fit`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral, Real

import keras
import numpy as np
from keras import ops

from keras_seq2seq.backend import (
    CAN_COMPILE_LOOPS,
    FusedAdam,
    TracksLayers,
    build_optimizer,
    count_replicas,
    replicated_test_step,
    replicated_train_step,
    sum_over_replicas,
)
from keras_seq2seq.defaults import CLIP_GRADIENTS, LEARNING_RATE
from keras_seq2seq.errors import check_not_negative
from keras_seq2seq.losses import MaskedCrossEntropy, align_weights, resolve_loss, weighted_sum
from keras_seq2seq.models.inputs import as_features, the_labels, without_ignored
from keras_seq2seq.models.metrics import Padding, Perplexity, resolve_metrics, sum_dtype
from keras_seq2seq.models.minimum_risk import MinimumRisk

# The optimizers with a `beta_2` that do not divide by `1 - beta_2`.
_WITHOUT_DIVISION = (keras.optimizers.Adamax, keras.optimizers.Lion)


class ReplicatedModel(TracksLayers, keras.Model):
    """A model that trains on several replicas of a `tf.distribute` strategy as on one.

    `compute_loss` returns a replica's share of the loss of the whole batch, and the gradient of
    the whole batch is clipped: see `backend.tensorflow.training`. On one device it is a plain
    `keras.Model`.
    """

    def train_step(self, *args, **kwargs):
        if count_replicas() == 1:
            return super().train_step(*args, **kwargs)
        return replicated_train_step(self, *args, **kwargs)

    def test_step(self, *args, **kwargs):
        if count_replicas() == 1:
            return super().test_step(*args, **kwargs)
        return replicated_test_step(self, *args, **kwargs)

    def _maybe_symbolic_build(self, *args, **kwargs):
        # Keras would build the model with a batch that is spread over the replicas, and fail. A
        # functional model is built already.
        if count_replicas(self) == 1:
            super()._maybe_symbolic_build(*args, **kwargs)

    def make_train_function(self, force=False):
        # Keras would create the optimizer's variables while TensorFlow traces a step, which is then
        # traced again. That takes several seconds.
        build_optimizer(self)
        return super().make_train_function(force)


class TrainableModel(ReplicatedModel):
    """A model from `{"source_ids", "target_ids"}` to logits, with Keras's training methods.

    Inputs may also be a list `[source_ids, target_ids]`. Padding counts neither in losses nor in
    metrics.

    `fit` and `evaluate` report the perplexity of all tokens, without sample weights or label
    smoothing, and the shares of padding.

    Attributes:
        minimum_risk: `None`, or a `MinimumRisk`, a loss on outputs sampled from the model, which
            replaces part of the training loss. Call `compile` again after setting it. Saved with
            the model.
        r_drop: Float, the weight `alpha` of R-Drop; 0 disables it. In training, each sequence is
            then read twice, with different dropout, and `alpha / 2` times the mean of both
            Kullback-Leibler divergences between the two predictions is added to the loss of each
            token. Requires `MaskedCrossEntropy`; call `compile` again after setting it. Saved with
            the model.

    Reference:
        - R-Drop: Liang et al., 2021, "R-Drop: Regularized Dropout for Neural Networks",
          https://arxiv.org/abs/2106.14448, equation 4
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.perplexity = Perplexity()
        self.padding = Padding()
        # Not in `fit`'s logs: `TrackGradientNorm` updates it, and `Evaluation` reports it.
        self.gradient_norm = keras.metrics.Mean("gradient_norm", sum_dtype())
        self.minimum_risk = None
        self.r_drop = 0.0
        self._class_weights = None

    def compile(
        self,
        optimizer=None,
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Configures the model for training, like `keras.Model.compile`.

        Args:
            optimizer: Name or `keras.optimizers.Optimizer`. Defaults to `FusedAdam` with a learning
                rate of 0.001 and gradients clipped to a global norm of 5, as the command line uses.
                Adam cannot train a model whose dtype is bfloat16; use mixed_bfloat16.
            loss: A loss of token ids and logits: `MaskedCrossEntropy`, the default,
                `keras.losses.SparseCategoricalCrossentropy(from_logits=True)`, or a function of
                labels `(batch, time)` and logits that returns a loss per token, `(batch, time)`,
                per sequence, `(batch,)`, or a scalar. `"sparse_categorical_crossentropy"` is
                computed from logits.
            loss_weights: Not supported, since the model has one output.
            metrics: List of metrics of token ids and logits: names, functions or
                `keras.metrics.Metric` objects. `"accuracy"` is the accuracy over real tokens.
            weighted_metrics: The same, weighted by `sample_weight` or `class_weight`.
            run_eagerly: Boolean, whether to run without a graph, for debugging.
            steps_per_execution: Integer, the number of batches per call of the graph. Must be 1
                with several devices.
            jit_compile: Boolean or `"auto"`, whether to compile with XLA. `True` is not supported
                on TensorFlow.
            auto_scale_loss: Boolean, whether to scale the loss in mixed float16 precision.

        Raises:
            ValueError: If the loss or a metric does not accept token ids and logits, if an
                attribute such as `r_drop` is invalid, or if `loss_weights`, `jit_compile`,
                `steps_per_execution`, gradient accumulation or a scaled loss is not supported.

        Example:
            >>> model.compile(metrics=["accuracy"])
            >>> model.fit([source_ids, target_ids], labels, epochs=10)
        """
        self._check_training_options()
        if loss_weights is not None:
            raise ValueError(
                "`loss_weights` is not supported, since the model has one output. Use "
                f"`sample_weight` in `fit`. Received: loss_weights={loss_weights}"
            )
        if jit_compile is True and not CAN_COMPILE_LOOPS:
            raise ValueError(
                "`jit_compile=True` is not supported on the "
                f"{keras.backend.backend()} backend: XLA cannot compile the loop over time. "
                "Use the default, 'auto'."
            )
        if steps_per_execution > 1 and count_replicas(self) > 1:
            # Any Keras model fails with placeholders that are not fed.
            raise ValueError(
                "`steps_per_execution` above 1 does not work in Keras with several devices. Use "
                f"the default, 1. Received: steps_per_execution={steps_per_execution}"
            )
        if optimizer is None:
            optimizer = FusedAdam(LEARNING_RATE, global_clipnorm=CLIP_GRADIENTS)
        optimizer = keras.optimizers.get(optimizer)
        if optimizer.gradient_accumulation_steps and count_replicas(self) > 1:
            raise ValueError(
                "`gradient_accumulation_steps` does not work in Keras with several devices. Use "
                "larger batches. Received: gradient_accumulation_steps="
                f"{optimizer.gradient_accumulation_steps}"
            )
        # Keras looks at the dtype policy of the model, not at that of its layers.
        is_scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if auto_scale_loss and not is_scaled and self.computes_in_float16:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            is_scaled = True
        if is_scaled and count_replicas(self) > 1:
            raise ValueError(
                "The loss cannot be scaled on several devices. Use the dtype 'mixed_bfloat16' "
                "without a `LossScaleOptimizer`, or `auto_scale_loss=False`."
            )
        super().compile(
            optimizer=optimizer,
            loss=resolve_loss(loss),
            metrics=resolve_metrics(metrics),
            weighted_metrics=resolve_metrics(weighted_metrics),
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=auto_scale_loss,
        )

    def _check_training_options(self):
        check_not_negative("r_drop", self.r_drop)
        if self.minimum_risk is not None and not isinstance(self.minimum_risk, MinimumRisk):
            raise ValueError(
                f"`minimum_risk` must be None or a `MinimumRisk`. Received: {self.minimum_risk!r}"
            )

    def make_train_function(self, force=False):
        optimizer = inner_optimizer(self.optimizer)
        beta = getattr(optimizer, "beta_2", None)
        if isinstance(beta, Real) and not isinstance(optimizer, _WITHOUT_DIVISION):
            for weight in self.trainable_weights:
                if beta < 1 and float(ops.cast(beta, weight.dtype)) == 1:
                    raise ValueError(
                        f"{type(self.optimizer).__name__} cannot train {weight.dtype} weights, "
                        f"since its beta_2={beta} rounds to 1. Use the dtype "
                        f"'mixed_{weight.dtype}', whose weights are float32."
                    )
        return super().make_train_function(force)

    @property
    def computes_in_float16(self):
        """Whether the layers use mixed float16 precision, which needs a scaled loss."""
        return any(layer.dtype_policy.name == "mixed_float16" for layer in self.layers)

    def compile_from_config(self, config):
        """Compiles the model as it was when it was saved, possibly on another backend."""
        config = keras.saving.deserialize_keras_object(config)
        if config.get("jit_compile"):
            config["jit_compile"] = "auto"
        self.compile(**config)
        self.optimizer.build(self.trainable_variables)

    def fit(self, *args, class_weight=None, **kwargs):
        with self._weighted_classes(class_weight):
            return super().fit(*args, **kwargs)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        if class_weight is not None:
            # Not part of the graph, which is traced once for all batches.
            weights = class_weights(class_weight, self.target_vocabulary_size)
            sample_weight = weight_by_class(the_labels(y), sample_weight, weights)
        return super().train_on_batch(x, y, sample_weight, return_dict=return_dict)

    @contextmanager
    def _weighted_classes(self, class_weight):
        """Weights each token by its id within the block.

        Keras would take labels `(batch, time)` for one-hot vectors.
        """
        if class_weight is None:
            yield
            return
        self._class_weights = class_weights(class_weight, self.target_vocabulary_size)
        # The weights are constants of the graph.
        self.train_function = None
        try:
            yield
        finally:
            self._class_weights = self.train_function = None

    def train_step(self, *args):
        *state, data = args
        if self._class_weights is not None:
            x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
            data = x, y, weight_by_class(the_labels(y), sample_weight, self._class_weights)
        if self.r_drop:
            data = keras.tree.map_structure(
                lambda part: None if part is None else ops.repeat(part, 2, axis=0), data
            )
        return super().train_step(*state, data)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if y is None:
            raise ValueError(
                "Training and evaluation need labels: pass them as the second argument of `fit`, "
                "or as the second item of each element of a dataset."
            )
        y = the_labels(y, y_pred.shape[:2])
        labels = ops.cast(y, "int32")
        # Not those of `minimum_risk`, which runs the model again.
        regularization = self.losses
        r_drop = self.r_drop if training else 0.0
        if type(self.loss).call is MaskedCrossEntropy.call:
            # The logits are read once for loss and perplexity.
            values, cross_entropies = self.loss.with_cross_entropy(labels, y_pred, r_drop / 2)
        elif r_drop:
            raise ValueError(f"`r_drop` needs the loss `MaskedCrossEntropy`. Received: {self.loss}")
        else:
            values = self.loss.call(labels, ops.cast(y_pred, self.loss.dtype))
            cross_entropies = MaskedCrossEntropy().call(labels, y_pred)
        total, divisor = weighted_sum(
            values, without_ignored(labels, values), sample_weight, self.loss.reduction
        )
        if self.loss.reduction != "sum":
            # The mean of the whole batch, not of this replica's share.
            total = ops.divide_no_nan(total, sum_over_replicas(divisor))
        if training and self.minimum_risk is not None:
            source_ids = as_features(x)["source_ids"]
            risk = self.minimum_risk(
                self, source_ids, labels, seed=self._teacher_seeds, sample_weight=sample_weight
            )
            weight = self.minimum_risk.weight
            total = (1.0 - weight) * total + weight * risk / count_replicas()
        for value in regularization:
            total = total + ops.sum(ops.cast(value, total.dtype)) / count_replicas()
        tokens = ops.count_nonzero(y)
        self.perplexity.update_state(
            ops.sum(cross_entropies) / ops.maximum(ops.cast(tokens, "float32"), 1.0),
            tokens // 2 if r_drop else tokens,  # R-Drop has each of them twice.
        )
        if x is not None:
            self.padding.update_state(as_features(x)["source_ids"], y)
        return total

    def get_metrics_result(self):
        results = super().get_metrics_result()
        results.pop(self.gradient_norm.name, None)
        return results


def class_weights(class_weight, vocabulary_size):
    """Returns the weights of all token ids, float `(vocabulary_size,)`, 1 by default.

    Args:
        class_weight: Dictionary from token ids to weights.
        vocabulary_size: Integer.

    Raises:
        TypeError: If it is not a dictionary.
        ValueError: If a key is not a token id.
    """
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            "`class_weight` must be a dictionary from token ids to weights, such as {4: 2.0}. "
            f"Received: a {type(class_weight).__name__}"
        )
    weights = np.ones(vocabulary_size, "float32")
    for class_id, weight in class_weight.items():
        if not isinstance(class_id, Integral) or not 0 <= class_id < vocabulary_size:
            raise ValueError(
                "`class_weight` must have token ids below the size of the target vocabulary, "
                f"{vocabulary_size}, as keys. Received: key {class_id!r}"
            )
        weights[class_id] = weight
    return weights


def weight_by_class(labels, sample_weight, weights):
    """Returns the weight of each label, `(batch, time)`.

    Args:
        labels: Integer tensor `(batch, time)`.
        sample_weight: See `MaskedCrossEntropy`, or `None`.
        weights: Float array `(vocabulary_size,)`.
    """
    weights = ops.take(ops.convert_to_tensor(weights), labels)
    if sample_weight is None:
        return weights
    return weights * ops.cast(align_weights(sample_weight, weights), weights.dtype)


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Sets the weights of a model to their moving average within the block.

    If its optimizer keeps none (`use_ema`), the model keeps its weights.

    Args:
        model: The compiled model.

    Example:
        >>> model.compile(keras.optimizers.Adam(use_ema=True, ema_momentum=0.999), loss=...)
        >>> with averaged_weights(model):
        ...     model.save("model.keras")
    """
    optimizer = inner_optimizer(model.optimizer)
    if not optimizer.use_ema:
        yield
        return
    own = [ops.copy(variable) for variable in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, own, strict=True):
            variable.assign(value)


def steps_taken(optimizer):
    """Returns the number of batches that an optimizer has seen, an integer variable.

    `optimizer.iterations` counts the updates of the weights, which are fewer where gradients are
    accumulated.

    Args:
        optimizer: The optimizer of a compiled model.

    Returns:
        The integer variable.

    Example:
        >>> int(steps_taken(model.optimizer))
        500
    """
    return inner_optimizer(optimizer)._iterations


def inner_optimizer(optimizer):
    """Returns the optimizer that updates the weights, even if it is in a `LossScaleOptimizer`."""
    while isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    return optimizer
