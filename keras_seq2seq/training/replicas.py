"""Training steps on several devices, which split each batch."""

import keras
import tensorflow as tf

from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.training.workers import Workers


def replicate(model: Seq2Seq, workers: Workers):
    """Patches `fit` and `evaluate` to return the same results on several devices as on one.

    By default, Keras averages the losses of the replicas, each of them a mean over its own
    tokens, and clips gradients before summing them. Here the loss is the mean over all tokens of
    the batch, and the summed gradient is clipped. Two more changes are needed for Keras 3 to run
    under `MultiWorkerMirroredStrategy`, where it would build the model with a distributed batch
    and average scalar logs over their first axis.

    Args:
        model: The model, built and compiled in the scope of the strategy.
        workers: The processes and devices.
    """
    finish = _as_vectors if workers.processes > 1 else lambda logs: logs
    test_step = model.test_step

    def train_step(data):
        x, y = data
        context = tf.distribute.get_replica_context()
        with tf.GradientTape() as tape:
            y_pred = model(x, training=True)
            loss = model.compute_loss(x=x, y=y, y_pred=y_pred, training=True)
            tokens = tf.cast(tf.math.count_nonzero(y), loss.dtype)
            share = tokens / tf.maximum(context.all_reduce("SUM", tokens), 1.0)
            loss = loss * share
            scaled_loss = model.optimizer.scale_loss(loss)
        weights = model.trainable_weights
        gradients = context.all_reduce("SUM", tape.gradient(scaled_loss, weights))
        model.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        # Keras sums totals and counts over replicas.
        model._loss_tracker.update_state(
            context.all_reduce("SUM", loss), sample_weight=tf.shape(y)[0]
        )
        return finish(model.get_metrics_result())

    model.train_step = train_step
    model.test_step = lambda data: finish(test_step(data))
    # Everything is built already, by the functional model and by `build` of the optimizer.
    model._maybe_symbolic_build = lambda *args, **kwargs: None
    # The gradients passed to the optimizer are summed already.
    model.optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: (
        gradients_and_variables
    )


def _as_vectors(logs: dict) -> dict:
    return keras.tree.map_structure(lambda value: tf.reshape(value, (1,)), logs)
