import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, padded_batch

from keras_seq2seq.layers import UnidirectionalEncoder

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
    state = [(2, 4)] if cell_type == "GRUCell" else [(2, 4), (2, 4)]
    shapes = ((2, 5, 4), [state, state])
    check_layer_basics(UnidirectionalEncoder, arguments, inputs, shapes, tmp_path)


def test_reads_from_left_to_right():
    encoder = UnidirectionalEncoder(4, num_layers=2)
    changed = INPUTS.copy()
    changed[0, 3] += 1
    before, _ = numbers_of(encoder(INPUTS, mask=MASK))
    after, _ = numbers_of(encoder(changed, mask=MASK))
    np.testing.assert_array_equal(after[0, :3], before[0, :3])
    assert (after[0, 3:] != before[0, 3:]).all()


def test_state_is_the_last_output():
    encoder = UnidirectionalEncoder(4, cell_type="LSTMCell")
    outputs, [[hidden, _]] = numbers_of(encoder(INPUTS, mask=MASK))
    np.testing.assert_array_equal(hidden, outputs[[0, 1], [4, 1]])
