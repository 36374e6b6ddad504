import pytest
import tensorflow as tf

from keras_seq2seq.errors import UserError
from keras_seq2seq.text import TextEncoder, Vocabulary, WhitespaceTokenizer, get_tokenizer
from keras_seq2seq.text.text_encoder import append_end, prepend_start

LINES = ["a b c", "", "c x", "\ufeffa"]


def encoder(**options):
    return TextEncoder(WhitespaceTokenizer(Vocabulary(["a", "b", "c"])), **options)


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
    assert prepend_start(ids).numpy().tolist() == [[2, 4, 5], [2, 6, 0]]
    assert append_end(ids).numpy().tolist() == [[4, 5, 3], [6, 3, 0]]


VOCABULARY = Vocabulary(["a", "b", "c", "▁", "é"])
SENTENCES = ["a b c", "c", "a Unknown\u3000é\x1cb", "b b  b b ", "a\u200bb", "\ufeffa b", "a\ufeff"]


def test_the_ids_are_those_of_the_training_pipeline():
    for tokenizer in ("whitespace", "characters"):
        for reverse in (False, True):
            encoder = TextEncoder(get_tokenizer(tokenizer, VOCABULARY), 100, reverse)
            tokens = [encoder.split(sentence) for sentence in SENTENCES]
            ids = encoder(tf.constant(SENTENCES))
            assert encoder.with_end(tokens).tolist() == append_end(ids).numpy().tolist()
            assert encoder.with_start(tokens).tolist() == prepend_start(ids).numpy().tolist()
            assert encoder.padded(tokens).tolist() == ids.to_tensor().numpy().tolist()


def test_unknown_words_that_a_model_wrote_stay_whole():
    encoder = TextEncoder(get_tokenizer("characters", VOCABULARY))
    assert encoder.split("a<unk>b c", keep_unknown=True) == ["a", "<unk>", "b", "▁", "c"]
    assert encoder.split("<unk>") == list("<unk>")


def test_no_tokens_at_all():
    encoder = TextEncoder(VOCABULARY)
    assert encoder.padded([[], []]).shape == (2, 0)
    assert encoder.padded([]).shape == (0, 0)
    assert encoder.with_end([[]]).tolist() == [[3]]


def test_only_graphs_truncate():
    encoder = TextEncoder(VOCABULARY, max_length=3)
    assert encoder.with_end([encoder.split("a b c")]).tolist() == [[4, 5, 6, 3]]
    assert append_end(encoder(tf.constant(["a b c"]))).numpy().tolist() == [[4, 5, 3]]


def test_a_vocabulary_means_white_space():
    encoder = TextEncoder(VOCABULARY)
    assert type(encoder.tokenizer) is WhitespaceTokenizer
    assert encoder.vocabulary is VOCABULARY
    assert (encoder.max_length, encoder.reverse) == (40, False)


@pytest.mark.parametrize(
    ("tokenizer", "options", "error", "message"),
    [
        (VOCABULARY, {"max_length": 1}, UserError, "max_length is 1; expected at least 2"),
        (VOCABULARY, {"max_length": 2.5}, UserError, "max_length is 2.5; expected a whole number"),
        (VOCABULARY, {"nbest_size": "4"}, UserError, "nbest_size is '4'; expected a whole number"),
        ("whitespace", {}, TypeError, "expected a Tokenizer or a Vocabulary"),
        (WhitespaceTokenizer(), {}, ValueError, "the tokenizer needs a vocabulary"),
    ],
)
def test_invalid_arguments(tokenizer, options, error, message):
    with pytest.raises(error, match=message):
        TextEncoder(tokenizer, **options)
