import pytest
import tensorflow as tf

from keras_seq2seq.data.text_encoder import TextEncoder, with_end, with_start
from keras_seq2seq.data.vocabulary import Vocabulary
from keras_seq2seq.data.whitespace_tokenizer import WhitespaceTokenizer

LINES = ["a b c", "", "c x", "\ufeffa"]


def encoder(**options):
    return TextEncoder(WhitespaceTokenizer(), Vocabulary(["a", "b", "c"]), **options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"max_length": 10}, [[4, 5, 6], [], [6, 1], [4]]),
        ({"max_length": 3}, [[4, 5], [], [6, 1], [4]]),
        ({"max_length": 3, "reverse": True}, [[5, 4], [], [1, 6], [4]]),
    ],
)
def test_encodes(options, expected):
    ids = encoder(**options)(tf.constant(LINES))
    assert ids.dtype == tf.int32
    assert ids.to_list() == expected


def test_counts_and_lengths():
    counts = encoder(max_length=3).count_tokens(tf.constant(LINES))
    assert counts.numpy().tolist() == [3, 0, 2, 1]
    assert encoder(max_length=3).lengths(counts).numpy().tolist() == [3, 1, 3, 2]


def test_start_and_end():
    ids = tf.ragged.constant([[4, 5], [6]], tf.int32)
    assert with_start(ids).numpy().tolist() == [[2, 4, 5], [2, 6, 0]]
    assert with_end(ids).numpy().tolist() == [[4, 5, 3], [6, 3, 0]]
