"""Adam as a fused operation."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("keras_seq2seq")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` with TensorFlow's fused kernel.

    Keras computes Adam by a dozen operations, each of which reads all weights. The results are the
    same, except for embeddings without clipping: if a token occurs twice in a batch, Keras squares
    its gradients one by one, and this class squares their sum.
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
