"""How large gradients are."""

import keras
import tensorflow as tf

from keras_seq2seq.backend.tensorflow.adam import merge_rows


class TrackGradientNorm(keras.callbacks.Callback):
    """Has the optimizer tell the norm of all gradients together, before they are clipped.

    `model.gradient_norm` is the mean of the steps since its last reset; `Evaluation` records it.
    Where the optimizer clips by this norm it is not computed twice: TensorFlow merges operations
    that are the same. With several replicas it is the mean of the norms of each one's gradients.

    Example:
        >>> callbacks = [TrackGradientNorm(), Evaluation(dev, observers=[print])]
        >>> model.fit(train, callbacks=callbacks)
    """

    def set_model(self, model):
        super().set_model(model)
        optimizer, metric = model.optimizer, model.gradient_norm
        if getattr(optimizer, "_norm_metric", None) is metric:
            return
        apply = optimizer.apply

        def track_and_apply(grads, trainable_variables=None):
            metric.update_state(global_norm(grads))
            return apply(grads, trainable_variables)

        # There is no place of Keras' own between the gradients and their clipping.
        optimizer.apply = track_and_apply
        optimizer._norm_metric = metric


def global_norm(gradients):
    """Returns the norm of tensors as if they were one, by the operations that clip them too."""
    return tf.linalg.global_norm(list(map(merge_rows, gradients)))
