"""The loop over time that every recurrent layer shares."""

from keras import ops


def scan(step, states, inputs):
    """Runs `states = step(inputs[t], states)` over the leading axis of `inputs`.

    Args:
        step: Function of one time step `(batch, features)` and the states, giving the new states.
        states: Nested structure of tensors `(batch, ...)`, the states before the first step.
        inputs: Tensor `(time, batch, features)`.

    Returns:
        The states after the last step and the states after every step, `(time, batch, ...)`.
    """

    def body(states, inputs):
        states = step(inputs, states)
        return states, states

    return ops.scan(body, states, inputs)


def swap_batch_and_time(tensor):
    """Turns `(batch, time, ...)` into `(time, batch, ...)` and back."""
    return ops.swapaxes(tensor, 0, 1)
