import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, padded_batch

from keras_seq2seq.layers import BidirectionalEncoder

INPUTS, MASK = padded_batch([5, 2], dim=3)


@pytest.mark.parametrize("cell_type", ["GRUCell", "LSTMCell"])
def test_basics(tmp_path, cell_type):
    arguments = {
        "num_units": 4,
        "cell_type": cell_type,
        "num_layers": 2,
        "input_dropout": 0.1,
        "output_dropout": 0.2,
        "residual_connections": True,
    }
    inputs = {"inputs": np.clip(INPUTS, -3, 3), "mask": MASK}
    state = [(2, 8)] if cell_type == "GRUCell" else [(2, 8), (2, 8)]
    shapes = ((2, 5, 8), [state, state])
    check_layer_basics(BidirectionalEncoder, arguments, inputs, shapes, tmp_path)


def test_every_output_sees_both_sides():
    encoder = BidirectionalEncoder(4)
    changed = INPUTS.copy()
    changed[0, 2] += 1
    before, _ = numbers_of(encoder(INPUTS, mask=MASK))
    after, _ = numbers_of(encoder(changed, mask=MASK))
    unchanged = after[0] == before[0]
    np.testing.assert_array_equal(unchanged[:, :4].all(axis=1), [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(unchanged[:, 4:].all(axis=1), [0, 0, 0, 1, 1])


def test_state_is_the_last_output_of_each_direction():
    encoder = BidirectionalEncoder(4, cell_type="GRUCell")
    outputs, [[state]] = numbers_of(encoder(INPUTS, mask=MASK))
    np.testing.assert_array_equal(state[:, :4], outputs[[0, 1], [4, 1], :4])
    np.testing.assert_array_equal(state[:, 4:], outputs[:, 0, 4:])
