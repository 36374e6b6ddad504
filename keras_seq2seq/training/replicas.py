"""Training steps whose batch is spread over several devices."""

import keras
import tensorflow as tf

from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.training.workers import Workers


def replicate(model: Seq2Seq, workers: Workers):
    """Makes `fit` and `evaluate` of a model train on parts of batches as on whole ones.

    Keras takes the mean over replicas of losses that are means over their own tokens, and clips
    gradients before it sums them up. Here the loss is the mean over the tokens of the whole
    batch, and the gradient of the whole batch is clipped. Two more things keep Keras 3 from
    running under `MultiWorkerMirroredStrategy`: it builds the model with a batch that is spread
    over replicas, and it takes means over the first axis of logs that are scalars.

    Args:
        model: The compiled model, made and compiled in the scope of the strategy.
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
        # Replicas sum their totals and their counts.
        model._loss_tracker.update_state(
            context.all_reduce("SUM", loss), sample_weight=tf.shape(y)[0]
        )
        return finish(model.get_metrics_result())

    model.train_step = train_step
    model.test_step = lambda data: finish(test_step(data))
    # All is built before, by the functional model and by `build` of the optimizer.
    model._maybe_symbolic_build = lambda *args, **kwargs: None
    # The gradients that the optimizer gets are summed up already.
    model.optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: (
        gradients_and_variables
    )


def _as_vectors(logs: dict) -> dict:
    return keras.tree.map_structure(lambda value: tf.reshape(value, (1,)), logs)
