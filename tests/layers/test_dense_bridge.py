import numpy as np
from harness import check_layer_basics, numbers_of, randomize
from reference import bridge, weights_of

from keras_seq2seq.layers import DenseBridge

RNG = np.random.default_rng(0)
STATE = [list(RNG.normal(size=(2, 3, 4)).astype("float32"))]
SIZES = [(5,), (6,)]


def test_basics(tmp_path):
    inputs = {"encoder_state": STATE}
    shapes = [[(3, 5)], [(3, 6)]]
    check_layer_basics(DenseBridge, {"state_sizes": SIZES}, inputs, shapes, tmp_path)


def test_agrees_with_the_reference():
    layer = DenseBridge(SIZES)
    layer(STATE)
    randomize(layer)
    found = numbers_of(layer(STATE))
    for row in range(3):
        [[first], [second]] = bridge(
            "dense", weights_of(layer), [[state[row] for state in STATE[0]]], SIZES
        )
        np.testing.assert_allclose(found[0][0][row], first, atol=1e-5)
        np.testing.assert_allclose(found[1][0][row], second, atol=1e-5)
