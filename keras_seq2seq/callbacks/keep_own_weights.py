"""The weights that training goes on with, after `fit`."""

import keras
from keras import ops


class KeepOwnWeights(keras.callbacks.Callback):
    """Leaves a model its own weights where the optimizer keeps their moving average.

    Keras ends `fit` by setting the weights to their average, with which no training could go on
    as if it had not been stopped.

    Example:
        >>> model.compile(keras.optimizers.Adam(use_ema=True, ema_momentum=0.999), loss=...)
        >>> model.fit(train, callbacks=[KeepOwnWeights()])
        >>> with averaged_weights(model): model.save("model.keras")
    """

    def on_epoch_end(self, epoch, logs=None):
        if self.model.optimizer.use_ema:
            self._own = [ops.copy(variable) for variable in self.model.trainable_variables]

    def on_train_end(self, logs=None):
        if self.model.optimizer.use_ema:
            for variable, value in zip(self.model.trainable_variables, self._own, strict=True):
                variable.assign(value)
