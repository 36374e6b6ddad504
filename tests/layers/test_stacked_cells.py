"""The noise; the steps are held to the reference by way of the decoders."""

import numpy as np
import pytest
from harness import numbers_of
from harness.dropout import assert_independent, assert_rate

from keras_seq2seq.layers.stacked_cells import StackedCells


def test_noise_differs_by_time_step_sentence_and_layer():
    cells = StackedCells("GRUCell", 8, num_layers=3, dropout=0.4)
    cells.build((None, None, 5))
    projected = cells.project(np.ones((30, 20, 5), "float32"))
    noise = numbers_of(cells.draw_noise(projected))
    assert noise.shape == (30, 20, 16)
    zeros = noise == 0
    assert_rate(zeros, 0.4)
    np.testing.assert_allclose(noise[~zeros], 1 / 0.6, rtol=1e-6)
    assert_independent(zeros[0], zeros[1])
    assert_independent(zeros[:, 0], zeros[:, 1])
    assert_independent(zeros[..., :8], zeros[..., 8:])
    assert_independent(zeros, numbers_of(cells.draw_noise(projected)) == 0)


def test_state_sizes():
    assert StackedCells("GRUCell", 8, num_layers=2).state_sizes == [(8,), (8,)]
    assert StackedCells("LSTMCell", 8).state_sizes == [(8, 8)]


@pytest.mark.parametrize("num_layers", [0, 1.0])
def test_refuses_layers_that_are_no_number(num_layers):
    with pytest.raises(ValueError) as error:
        StackedCells("GRUCell", 8, num_layers=num_layers)
    assert str(error.value) == (
        f"`num_layers` must be an integer of at least 1. Received: num_layers={num_layers!r}"
    )
