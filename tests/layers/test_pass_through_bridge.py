import numpy as np
import pytest
from harness import check_layer_basics, numbers_of

from keras_seq2seq.layers import PassThroughBridge

RNG = np.random.default_rng(0)
STATE = [list(RNG.normal(size=(2, 3, 4)).astype("float32")) for _ in range(2)]
SIZES = [(4, 4), (4, 4)]


def test_basics(tmp_path):
    inputs = {"encoder_state": STATE}
    shapes = [[(3, 4), (3, 4)], [(3, 4), (3, 4)]]
    check_layer_basics(PassThroughBridge, {"state_sizes": SIZES}, inputs, shapes, tmp_path)


def test_gives_what_it_gets():
    np.testing.assert_array_equal(numbers_of(PassThroughBridge(SIZES)(STATE)), STATE)


@pytest.mark.parametrize("sizes", [[(4, 4)], [(4,), (4,)], [(4, 4), (4, 5)]])
def test_refuses_a_state_of_other_sizes(sizes):
    with pytest.raises(ValueError) as error:
        PassThroughBridge(sizes)(STATE)
    assert str(error.value) == (
        "A pass_through bridge needs an encoder whose states have the sizes of the decoder's, "
        f"{sizes} by layer, but the encoder's are [(4, 4), (4, 4)]. "
        "Use a dense bridge, or make the two sides alike."
    )
