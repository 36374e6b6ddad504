import numpy as np
from harness import check_layer_basics, numbers_of

from keras_seq2seq.layers import ZeroBridge

STATE = [[np.ones((3, 4), "float32"), np.ones((3, 4), "float32")]]
SIZES = [(5,), (6,)]


def test_basics(tmp_path):
    inputs = {"encoder_state": STATE}
    shapes = [[(3, 5)], [(3, 6)]]
    check_layer_basics(ZeroBridge, {"state_sizes": SIZES}, inputs, shapes, tmp_path)


def test_gives_zeros():
    state = numbers_of(ZeroBridge(SIZES)(STATE))
    assert [[array.any() for array in layer] for layer in state] == [[False], [False]]
