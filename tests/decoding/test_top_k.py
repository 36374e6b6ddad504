import numpy as np
import pytest
from keras import ops

from keras_seq2seq.decoding.top_k import top_k


@pytest.mark.parametrize("size", [7, 640, 4096, 7863])
@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("values", ["distinct", "tied", "minus infinity"])
def test_agrees_with_sorting(size, k, values):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(9, size)).astype("float32")
    if values == "tied":
        scores = rng.integers(0, 3, (9, size)).astype("float32")
    if values == "minus infinity":
        scores[:, 2:] = -np.inf
    found, positions = top_k(ops.convert_to_tensor(scores), k)
    order = np.argsort(-scores, axis=-1, kind="stable")[:, :k]
    np.testing.assert_array_equal(found, np.take_along_axis(scores, order, axis=-1))
    np.testing.assert_array_equal(positions, order)
