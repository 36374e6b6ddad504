"""The loop over time."""

import numpy as np
from harness import numbers_of
from keras import ops

from keras_seq2seq.backend import scan

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(6, 2, 3)).astype("float32")
FACTORS = RNG.uniform(size=(6, 2, 1)).astype("float32")


def decayed_sums(length=6):
    def step(inputs, states):
        (numbers, factors), total = inputs, states["total"]
        return {"total": factors * total + numbers, "steps": states["steps"] + 1}

    states = {"total": ops.ones((2, 3)), "steps": ops.zeros((2,))}
    inputs = [ops.convert_to_tensor(array[:length]) for array in (NUMBERS, FACTORS)]
    return scan(step, states, inputs, lambda states: [states["total"]])


def test_agrees_with_a_plain_loop():
    final, (totals,) = decayed_sums()
    expected, total = [], np.ones((2, 3), "float32")
    for numbers, factors in zip(NUMBERS, FACTORS, strict=True):
        total = factors * total + numbers
        expected.append(total)
    np.testing.assert_allclose(numbers_of(totals), expected, rtol=1e-5)
    np.testing.assert_allclose(numbers_of(final["total"]), total, rtol=1e-5)
    np.testing.assert_array_equal(numbers_of(final["steps"]), [6, 6])


def test_one_step():
    final, (totals,) = decayed_sums(length=1)
    assert numbers_of(totals).shape == (1, 2, 3)
    np.testing.assert_allclose(numbers_of(final["total"]), numbers_of(totals)[0], rtol=1e-6)
