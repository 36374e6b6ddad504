"""Training on several devices with plain `fit`."""

import keras

from keras_seq2seq.backend import (
    TracksLayers,
    build_replicated_optimizer,
    count_replicas,
    replicated_test_step,
    replicated_train_step,
)


class ReplicatedModel(TracksLayers, keras.Model):
    """A model that trains on several replicas of a `tf.distribute` strategy as on one.

    `compute_loss` returns a replica's share of the loss of the whole batch, and the gradient of
    the whole batch is clipped: see `backend.tensorflow.parallel`. On one device it is a plain
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
        # functional model is built already; the optimizer is not.
        if count_replicas(self) == 1:
            super()._maybe_symbolic_build(*args, **kwargs)
        else:
            build_replicated_optimizer(self)
