"""The loop over time."""

from keras import ops


def scan(step, states, inputs, keep, constants=(), weights=(), go_backwards=False):
    """Runs `states = step(inputs[t], states, constants)` over the leading axis, time, of inputs.

    Args:
        step: Function of one time step of the inputs, `(batch, ...)`, the states and the
            constants, giving the new states.
        states: Nested structure of tensors `(batch, ...)`, the states before the first step.
        inputs: List of tensors `(time, batch, ...)`.
        keep: Function of the states, giving the nested structure of those that are wanted of
            every step.
        constants: Nested structure of tensors.
        weights: List of the variables that the step reads, which not all backends have
            to be told.
        go_backwards: Boolean, whether to begin with the last time step.

    Returns:
        The states after the last step, and those that `keep` chose after each, `(time, batch,
        ...)`, aligned with the inputs.
    """

    def body(states, inputs):
        states = step(inputs, states, constants)
        return states, keep(states)

    return ops.scan(body, states, inputs, reverse=go_backwards)
