"""Training steps whose batch is spread over the replicas of a `tf.distribute` strategy.

Keras averages the replicas' losses, each the mean over its own tokens, and clips gradients before
it sums them over the replicas. Here the loss is the mean over the tokens of the whole batch, and
the gradient of the whole batch is clipped, so that several devices train as one would.

This module works around two private details of Keras 3, for which there is no public interface; a
test of two devices fails if they change:

- an optimizer sums gradients over replicas in `_all_reduce_sum_gradients`, after clipping;
- under `MultiWorkerMirroredStrategy` the trainer reduces logs over their first axis, which scalars
  do not have.
"""

import keras
import tensorflow as tf

from keras_seq2seq.backend.tensorflow.constants import BlockValue

# Each replica runs in a thread of its own.
_are_summed = BlockValue()


def count_replicas():
    """Returns the number of replicas of the strategy in scope."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replicated_train_step(model, data):
    """Takes a training step on one replica's share of a batch, as `model.train_step` does.

    Args:
        model: A compiled model that was built in the scope of the strategy.
        data: Tuple `(x, y)`; 0 in `y` is padding.

    Returns:
        The logs, a dictionary.
    """
    x, y = data
    context = tf.distribute.get_replica_context()
    with tf.GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = model.compute_loss(x=x, y=y, y_pred=y_pred, training=True)
        tokens = tf.cast(tf.math.count_nonzero(y), loss.dtype)
        loss = loss * tokens / tf.maximum(context.all_reduce("SUM", tokens), 1.0)
        scaled_loss = model.optimizer.scale_loss(loss)
    weights = model.trainable_weights
    gradients = context.all_reduce("SUM", tape.gradient(scaled_loss, weights))
    _apply_summed_gradients(model.optimizer, zip(gradients, weights, strict=True))
    # The replicas' totals and counts are summed.
    model._loss_tracker.update_state(context.all_reduce("SUM", loss), sample_weight=tf.shape(y)[0])
    return reducible_logs(model.get_metrics_result())


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
