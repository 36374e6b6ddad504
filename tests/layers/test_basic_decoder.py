import numpy as np
from harness import numbers_of

from keras_seq2seq.layers import AttentionDecoder, BasicDecoder

STATE = [[np.ones((2, 4), "float32"), np.ones((2, 4), "float32")]]
INPUTS = np.ones((2, 5, 3), "float32")


def test_takes_the_place_of_an_attention_decoder_without_using_the_source():
    decoder = BasicDecoder(4)
    source = np.ones((2, 3, 2), "float32")
    given = decoder(INPUTS, STATE, source, mask=np.ones((2, 3), bool))
    np.testing.assert_array_equal(numbers_of(given), numbers_of(decoder(INPUTS, STATE)))
    assert decoder.state_sizes == AttentionDecoder(4).state_sizes


def test_starts_from_the_initial_state():
    decoder = BasicDecoder(4)
    outputs = numbers_of(decoder(INPUTS, STATE))
    others = numbers_of(decoder(INPUTS, [[0 * state for state in STATE[0]]]))
    assert (np.abs(outputs - others).max(axis=-1) > 1e-4).all()
