"""Choosing rows, and beams of each row."""

import numpy as np
import pytest
from harness import numbers_of
from keras import ops


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 3, 2)])
def test_rows(functions, shape):
    tensor = np.random.default_rng(0).normal(size=shape).astype("float32")
    rows = np.array([3, 0, 0, 2, 3], "int32")
    found = functions.take_rows(ops.convert_to_tensor(tensor), ops.convert_to_tensor(rows))
    np.testing.assert_array_equal(numbers_of(found), tensor[rows])


@pytest.mark.parametrize("number", [3, 0])
@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 3), (2, 4, 3, 5)])
def test_beams_of_each_row(functions, shape, number):
    tensor = np.random.default_rng(0).normal(size=shape).astype("float32")
    beams = np.array([[1, 1, 3], [2, 0, 1]], "int32")[:, :number]
    found = functions.take_beams(ops.convert_to_tensor(tensor), ops.convert_to_tensor(beams))
    expected = np.stack([row[places] for row, places in zip(tensor, beams, strict=True)])
    np.testing.assert_array_equal(numbers_of(found), expected)
