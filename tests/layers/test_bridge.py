import numpy as np
import pytest
from harness import check_layer_basics, numbers_of, randomize
from reference import bridge, weights_of

from keras_seq2seq.layers import DenseBridge, PassThroughBridge, ZeroBridge

DENSE_RNG = np.random.default_rng(0)
DENSE_STATE = [list(DENSE_RNG.normal(size=(2, 3, 4)).astype("float32"))]
DENSE_SIZES = [(5,), (6,)]


def test_dense_bridge_basics(tmp_path):
    inputs = {"encoder_state": DENSE_STATE}
    shapes = [[(3, 5)], [(3, 6)]]
    check_layer_basics(DenseBridge, {"state_sizes": DENSE_SIZES}, inputs, shapes, tmp_path)


def test_agrees_with_the_reference():
    layer = DenseBridge(DENSE_SIZES)
    layer(DENSE_STATE)
    randomize(layer)
    found = numbers_of(layer(DENSE_STATE))
    for row in range(3):
        [[first], [second]] = bridge(
            "dense",
            weights_of(layer),
            [[state[row] for state in DENSE_STATE[0]]],
            DENSE_SIZES,
        )
        np.testing.assert_allclose(found[0][0][row], first, atol=1e-5)
        np.testing.assert_allclose(found[1][0][row], second, atol=1e-5)


PASSED_RNG = np.random.default_rng(0)
PASSED_STATE = [list(PASSED_RNG.normal(size=(2, 3, 4)).astype("float32")) for _ in range(2)]
PASSED_SIZES = [(4, 4), (4, 4)]


def test_pass_through_bridge_basics(tmp_path):
    inputs = {"encoder_state": PASSED_STATE}
    shapes = [[(3, 4), (3, 4)], [(3, 4), (3, 4)]]
    check_layer_basics(PassThroughBridge, {"state_sizes": PASSED_SIZES}, inputs, shapes, tmp_path)


def test_gives_what_it_gets():
    np.testing.assert_array_equal(
        numbers_of(PassThroughBridge(PASSED_SIZES)(PASSED_STATE)),
        PASSED_STATE,
    )


@pytest.mark.parametrize("sizes", [[(4, 4)], [(4,), (4,)], [(4, 4), (4, 5)]])
def test_refuses_a_state_of_other_sizes(sizes):
    with pytest.raises(ValueError) as error:
        PassThroughBridge(sizes)(PASSED_STATE)
    assert str(error.value) == (
        "A pass_through bridge needs an encoder whose states have the sizes of the decoder's, "
        f"{sizes} by layer, but the encoder's are [(4, 4), (4, 4)]. "
        "Use a dense bridge, or give both sides the same cells, layers and units."
    )


ZERO_STATE = [[np.ones((3, 4), "float32"), np.ones((3, 4), "float32")]]
ZERO_SIZES = [(5,), (6,)]


def test_zero_bridge_basics(tmp_path):
    inputs = {"encoder_state": ZERO_STATE}
    shapes = [[(3, 5)], [(3, 6)]]
    check_layer_basics(ZeroBridge, {"state_sizes": ZERO_SIZES}, inputs, shapes, tmp_path)


def test_gives_zeros():
    state = numbers_of(ZeroBridge(ZERO_SIZES)(ZERO_STATE))
    assert [[array.any() for array in layer] for layer in state] == [[False], [False]]
