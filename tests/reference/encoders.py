import numpy as np

from reference.cells import run_cell
from reference.weights import select


def encode(weights, xs, cell, num_layers, bidirectional, residual_connections=False):
    """Returns the outputs `(time, units)` and each layer's final state for one sentence."""
    xs, states = list(xs), []
    for index in range(num_layers):
        if bidirectional:
            forward, backward = (
                select(weights, f"{side}_{index}/cell") for side in ("forward", "backward")
            )
            there, state_there = run_cell(cell, forward, xs)
            back, state_back = run_cell(cell, backward, xs[::-1])
            outputs = [np.concatenate(pair) for pair in zip(there, back[::-1], strict=True)]
            state = [np.concatenate(p) for p in zip(state_there, state_back, strict=True)]
        else:
            outputs, state = run_cell(cell, select(weights, f"layer_{index}/cell"), xs)
        if residual_connections and index > 0:
            outputs = [output + x for output, x in zip(outputs, xs, strict=True)]
        states.append(state)
        xs = outputs
    return np.stack(xs), states
