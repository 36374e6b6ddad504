"""The loop over time."""

import keras
import tensorflow as tf


def scan(step, states, inputs, keep):
    """Runs `states = step(inputs[t], states)` over the leading axis, time, of the inputs.

    `ops.scan` carries each state in a list of one element, whose gradient is made of zeros, copies
    and sums at every step. Here states are plain loop variables: a training step takes a tenth
    less time.

    Args:
        step: Function of one time step of the inputs, `(batch, ...)`, and the states, giving the
            new states.
        states: Nested structure of tensors `(batch, ...)`, the states before the first step.
        inputs: List of tensors `(time, batch, ...)`.
        keep: Function of the states, giving the nested structure of those tensors that are wanted
            of every step.

    Returns:
        The states after the last step, and what `keep` gave after each, `(time, batch, ...)`.
    """
    states = keras.tree.map_structure(tf.convert_to_tensor, states)
    length = tf.shape(inputs[0])[0]
    sequences = [
        tf.TensorArray(tensor.dtype, length, element_shape=tensor.shape[1:]).unstack(tensor)
        for tensor in inputs
    ]
    kept = [
        tf.TensorArray(state.dtype, length, element_shape=state.shape)
        for state in keras.tree.flatten(keep(states))
    ]

    def body(time, states, kept):
        states = step([sequence.read(time) for sequence in sequences], states)
        now = keras.tree.flatten(keep(states))
        return time + 1, states, [all.write(time, one) for all, one in zip(kept, now, strict=True)]

    _, states, kept = tf.while_loop(
        lambda time, *_: time < length, body, (0, states, kept), maximum_iterations=length
    )
    kept = [all.stack() for all in kept]
    return states, keras.tree.pack_sequence_as(keep(states), kept)
