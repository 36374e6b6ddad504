"""Training on several devices with plain `fit`."""

import keras

from keras_seq2seq.backend import (
    TracksLayers,
    count_replicas,
    reducible_logs,
    replicated_train_step,
)


class ReplicatedModel(TracksLayers, keras.Model):
    """A model that trains on several replicas of a `tf.distribute` strategy as on one.

    The loss is the mean over the real tokens of the whole batch, and the gradient of the whole
    batch is clipped: see `backend.tensorflow.replicas`. On one device it is a plain `keras.Model`.
    """

    def train_step(self, *args, **kwargs):
        if count_replicas() == 1:
            return super().train_step(*args, **kwargs)
        return replicated_train_step(self, *args, **kwargs)

    def test_step(self, *args, **kwargs):
        logs = super().test_step(*args, **kwargs)
        return logs if count_replicas() == 1 else reducible_logs(logs)

    def _maybe_symbolic_build(self, *args, **kwargs):
        # Keras would build the model with a batch that is spread over the replicas, and fail. A
        # functional model is built already; the optimizer is not.
        if count_replicas() == 1:
            super()._maybe_symbolic_build(*args, **kwargs)
        elif self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
