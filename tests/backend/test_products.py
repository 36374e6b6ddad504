"""Matrix products, with and without a bias."""

import numpy as np
import pytest
from harness import numbers_of
from keras import ops

RNG = np.random.default_rng(0)


def whole_numbers(*shape):
    """Returns whole numbers, whose products and sums are exact."""
    return RNG.integers(-4, 5, size=shape).astype("float32")


@pytest.mark.parametrize(
    ("features", "kernel"),
    [((5, 3), (3, 2)), ((4, 5, 3), (3, 2)), ((2, 4, 5, 3), (3, 1)), ((4, 5, 3), (4, 3, 2))],
)
def test_products_of_two_tensors(functions, features, kernel):
    features, kernel = whole_numbers(*features), whole_numbers(*kernel)
    found = functions.matmul(ops.convert_to_tensor(features), ops.convert_to_tensor(kernel))
    np.testing.assert_array_equal(numbers_of(found), features @ kernel)


@pytest.mark.parametrize("rows", [(5,), (4, 5)])
@pytest.mark.parametrize("narrow", ["float32", "bfloat16"])
def test_a_product_and_its_bias(functions, rows, narrow):
    features, kernel, bias = whole_numbers(*rows, 3), whole_numbers(3, 2), whole_numbers(2)
    # More digits than bfloat16 has.
    bias = bias + np.float32(2**-12)
    found = functions.dense(ops.cast(features, narrow), kernel, bias, "float32")
    np.testing.assert_array_equal(numbers_of(found), features @ kernel + bias)


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
