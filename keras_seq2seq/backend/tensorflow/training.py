"""Training: a fused Adam, micro-batches for several cores, steps on several devices, checkpoints.

Under a `tf.distribute` strategy, Keras averages the replicas' losses, each the mean over its own
tokens, and clips gradients before it sums them over the replicas. Here the loss is the mean over
the tokens of the whole batch, and the gradient of the whole batch is clipped, so that several
devices train as one would.

That works around three private details of Keras 3, for which there is no public interface; a test
of two devices fails if they change:

- an optimizer sums gradients over replicas in `_all_reduce_sum_gradients`, after clipping;
- under `MultiWorkerMirroredStrategy` the trainer reduces logs over their first axis, which scalars
  do not have;
- the losses that layers add are in the lists `_losses`.
"""

import os
from contextlib import contextmanager

import keras
import tensorflow as tf

from keras_seq2seq.backend import portable
from keras_seq2seq.backend.tensorflow.tracing import BlockValue
from keras_seq2seq.tensorflow_settings import count_cores


@keras.saving.register_keras_serializable("keras_seq2seq")
class FusedAdam(keras.optimizers.Adam):
    """Adam (Kingma and Ba, 2015) with one TensorFlow operation per weight, for speed.

    Keras computes Adam with a dozen operations, each of which reads all weights. The results are
    the same, except for embeddings: if a token occurs twice in a batch, this class sums its
    gradients before it clips and squares them, and Keras clips and squares them one by one, or with
    `global_clipnorm` only takes the norm of them one by one. On backends other than TensorFlow, it
    is the same as `keras.optimizers.Adam`.

    Args:
        **kwargs: The arguments of `keras.optimizers.Adam`.

    Example:
        >>> model.compile(FusedAdam(1e-3, global_clipnorm=5.0), loss=MaskedCrossEntropy())
    """

    def update_step(self, gradient, variable, learning_rate):
        gradient = tf.convert_to_tensor(gradient)
        if self.amsgrad:
            return super().update_step(gradient, variable, learning_rate)
        index = self._get_variable_index(variable)
        dtype = variable.dtype
        step = tf.cast(self.iterations + 1, dtype)
        beta_1, beta_2 = tf.cast(self.beta_1, dtype), tf.cast(self.beta_2, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )

    def _clip_gradients(self, grads):
        if self.global_clipnorm:
            grads, _ = tf.clip_by_global_norm(
                list(map(sum_duplicate_rows, grads)), self.global_clipnorm
            )
            return grads
        return super()._clip_gradients(list(map(tf.convert_to_tensor, grads)))


def sum_duplicate_rows(gradient):
    """Returns a gradient in which each row occurs once.

    Gradients of embeddings list only the rows that were read, some of them several times.
    """
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, positions = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, positions, tf.size(rows))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def _handle(variable):
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


def split_into_micro_batches(batch, multiple=1):
    """Splits a batch into micro-batches: one where an operation may use all cores.

    Cores that share an operation wait for each other at each of the thousands of operations of a
    step. Where TensorFlow gives an operation fewer threads than it runs operations in parallel
    (`TF_NUM_INTRAOP_THREADS`, `TF_NUM_INTEROP_THREADS`), there are as many micro-batches as can
    run in parallel.

    Args:
        batch: Nested structure of tensors `(batch, ...)`.
        multiple: Integer of which the size of the batch is a multiple. So are the sizes of all
            micro-batches.

    Returns:
        List of such structures, in order.
    """
    count = _count_micro_batches()
    if count == 1:
        return [batch]
    batch = keras.tree.map_structure(tf.convert_to_tensor, batch)
    size = tf.shape(keras.tree.flatten(batch)[0])[0] // multiple

    def micro_batch(index):
        begin, end = (multiple * (size * i // count) for i in (index, index + 1))
        return keras.tree.map_structure(lambda tensor: tensor[begin:end], batch)

    return [micro_batch(index) for index in range(count)]


def _count_micro_batches():
    if tf.config.list_physical_devices("GPU"):
        return 1
    threading = tf.config.threading
    at_once = threading.get_inter_op_parallelism_threads() or _chosen("TF_NUM_INTEROP_THREADS")
    threads = threading.get_intra_op_parallelism_threads() or _chosen("TF_NUM_INTRAOP_THREADS")
    return max(1, at_once // threads)


def _chosen(name):
    try:
        chosen = int(os.environ.get(name, "0"))
    except ValueError:  # TensorFlow reports it.
        chosen = 0
    return chosen if chosen > 0 else count_cores()


# Each replica runs in a thread of its own.
_are_summed = BlockValue()


def count_replicas(model=None):
    """Returns the number of replicas of a model's strategy, or of the strategy in scope."""
    strategy = tf.distribute.get_strategy() if model is None else model.distribute_strategy
    return strategy.num_replicas_in_sync


def build_optimizer(model):
    """Creates the variables of a model's optimizer on all replicas, unless it has them."""
    with model.distribute_strategy.scope():
        portable.build_optimizer(model)


def sum_over_replicas(value):
    """Returns the sum of a tensor over all replicas of the strategy in scope."""
    if count_replicas() == 1:
        return value
    return tf.distribute.get_replica_context().all_reduce("SUM", value)


@contextmanager
def scale_added_losses(model, part, batch):
    """Scales the losses that layers add within the block by the part's share of the batch.

    Layers add means over the rows that they see, by `add_loss` or `activity_regularizer`. Without
    this, those of all micro-batches would be added up, and those of replicas without rows are NaN.
    Scaled by the number of replicas, since the trainer computes the mean over them.

    Args:
        model: The model.
        part: Nested structure of tensors, which the model reads within the block.
        batch: Nested structure of tensors, the replica's share of the whole batch.
    """
    layers = list(model._flatten_layers())
    counts = [len(layer._losses) for layer in layers]
    yield
    added = [layer._losses[count:] for layer, count in zip(layers, counts, strict=True)]
    if not any(added) or (part is batch and count_replicas() == 1):
        return
    share = count_replicas() * _count_rows(part) / sum_over_replicas(_count_rows(batch))
    for layer, count, losses in zip(layers, counts, added, strict=True):
        layer._losses[count:] = [
            tf.where(share > 0, tf.cast(share, loss.dtype) * loss, 0) for loss in losses
        ]


def _count_rows(batch):
    return tf.cast(tf.shape(keras.tree.flatten(batch)[0])[0], tf.float32)


def replicated_train_step(model, data):
    """Takes a training step on one replica's share of a batch, as `model.train_step` does.

    Args:
        model: A compiled model that was built in the scope of the strategy.
        data: Tuple `(x, y)` or `(x, y, sample_weight)`, possibly with 0 rows.

    Returns:
        The logs, a dictionary.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    with tf.GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
        scaled_loss = model.optimizer.scale_loss(loss)
    weights = model.trainable_weights
    context = tf.distribute.get_replica_context()
    gradients = context.all_reduce("SUM", tape.gradient(scaled_loss, weights))
    _apply_summed_gradients(model.optimizer, zip(gradients, weights, strict=True))
    return _update_logs(model, loss, x, y, y_pred, sample_weight)


def replicated_test_step(model, data):
    """Evaluates one replica's share of a batch, as `model.test_step` does.

    Args:
        model: A compiled model that was built in the scope of the strategy.
        data: Tuple `(x, y)` or `(x, y, sample_weight)`, possibly with 0 rows.

    Returns:
        The logs, a dictionary.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    y_pred = model(x, training=False)
    loss = model.compute_loss(x, y, y_pred, sample_weight, training=False)
    return _update_logs(model, loss, x, y, y_pred, sample_weight)


def _update_logs(model, loss, x, y, y_pred, sample_weight):
    # The replicas' totals and counts are summed.
    model._loss_tracker.update_state(sum_over_replicas(loss), sample_weight=tf.shape(y)[0])
    return reducible_logs(model.compute_metrics(x, y, y_pred, sample_weight))


def reducible_logs(logs):
    """Returns the logs of a step in the form that the trainer reduces over processes."""
    strategy = tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return logs
    return keras.tree.map_structure(lambda value: tf.reshape(value, (1,)), logs)


def _apply_summed_gradients(optimizer, gradients_and_variables):
    """Applies gradients that are summed over the replicas already."""
    if not hasattr(optimizer._all_reduce_sum_gradients, "replaces"):
        original = optimizer._all_reduce_sum_gradients

        def sum_unless_summed(pairs):
            return pairs if _are_summed.value else original(pairs)

        sum_unless_summed.replaces = original
        optimizer._all_reduce_sum_gradients = sum_unless_summed
    with _are_summed.set_to(True):
        optimizer.apply_gradients(gradients_and_variables)


class TracksLayers:
    """Mixin of layers and models: TensorFlow tracks all their layers, however they are stored.

    Keras tells TensorFlow about layers that are attributes of a layer, but not about those in
    lists, tuples or dictionaries, whose weights are then missing from checkpoints and SavedModels
    without a warning. There is no public interface to add them; a test fails if the private details
    used here change.
    """

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        children = super()._trackable_children(save_type, **kwargs)
        return {**_layers_in_collections(self, children.values()), **children}

    def _lookup_dependency(self, name, cached_dependencies=None):
        found = super()._lookup_dependency(name, cached_dependencies)
        return self._trackable_children().get(name) if found is None else found


def _layers_in_collections(owner, children):
    """Returns the layers of a layer that are not among its children, by names for TensorFlow.

    Layers at all depths are included, since the layer that contains them may not be of this class.
    Their names are numbers, since Keras's own names may differ from one process to the next.
    """
    known = set(map(id, children))
    layers = enumerate(owner._flatten_layers(include_self=False))
    return {f"layer-{index}": layer for index, layer in layers if id(layer) not in known}
