"""The loop over time."""

from keras import ops


def scan(step, states, inputs, keep):
    """Runs `states = step(inputs[t], states)` over the leading axis, time, of the inputs.

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

    def body(states, inputs):
        states = step(inputs, states)
        return states, keep(states)

    return ops.scan(body, states, inputs)
