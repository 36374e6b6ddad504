import numpy as np

from reference.attention import attend
from reference.cells import step_cell
from reference.weights import select


class Decoder:
    """Decodes one sentence: without attention if `attention` is `None`."""

    def __init__(self, weights, cell, num_layers, attention, residual_connections=False):
        self.weights = weights
        self.cell = cell
        self.num_layers = num_layers
        self.attention_kind = attention
        self.residual_connections = residual_connections
        self.cells = [select(weights, f"cells/cell_{index}") for index in range(num_layers)]
        if attention:
            # One product with [y; c] is what the documented equation says.
            kernels = [self.cells[0]["kernel"], weights["context_kernel"]]
            self.cells[0]["kernel"] = np.concatenate(kernels)

    def start(self, initial_state, encoder_outputs):
        """Returns what `step` passes on from position to position."""
        return initial_state, np.zeros(encoder_outputs.shape[1])

    def step(self, y, state, encoder_outputs):
        """Returns the output, the attention weights and the new state of one position."""
        cell_states, context = state
        x = np.concatenate([y, context]) if self.attention_kind else y
        new_states = []
        for index, (weights, cell_state) in enumerate(zip(self.cells, cell_states, strict=True)):
            output, cell_state = step_cell(self.cell, weights, x, cell_state)
            x = output + x if self.residual_connections and index > 0 else output
            new_states.append(cell_state)
        if not self.attention_kind:
            return x, None, (new_states, context)
        attention_weights = select(self.weights, "attention")
        context, attention = attend(attention_weights, self.attention_kind, x, encoder_outputs)
        features = np.concatenate([x, context])
        output = np.tanh(features @ self.weights["output_kernel"] + self.weights["output_bias"])
        if "skip_kernel" in self.weights:
            output = output + context @ self.weights["skip_kernel"]
        return output, attention, (new_states, context)

    def run(self, ys, initial_state, encoder_outputs):
        """Returns the outputs and the attention weights of all positions, and the last state."""
        state = self.start(initial_state, encoder_outputs)
        outputs, attentions = [], []
        for y in ys:
            output, attention, state = self.step(y, state, encoder_outputs)
            outputs.append(output)
            attentions.append(attention)
        return np.stack(outputs), attentions, state
