import numpy as np


def bridge(kind, weights, encoder_state, state_sizes):
    """Returns the decoder's initial state, by layer, for one sentence."""
    if kind == "zero":
        return [[np.zeros(size) for size in sizes] for sizes in state_sizes]
    if kind == "pass_through":
        return encoder_state
    everything = np.concatenate([state for layer in encoder_state for state in layer])
    everything = list(np.tanh(everything @ weights["kernel"] + weights["bias"]))
    return [
        [np.array([everything.pop(0) for _ in range(size)]) for size in sizes]
        for sizes in state_sizes
    ]
