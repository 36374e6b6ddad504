"""`detokenize_tensor` joins tokens in a graph as `detokenize` does in Python."""

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.text import (
    ByteTokenizer,
    CharacterTokenizer,
    SentencePieceTokenizer,
    Vocabulary,
    WhitespaceTokenizer,
    WordTokenizer,
)

TEXT = ["Der Mann schläft (nicht)! Er liest's um 10:30 Uhr.", "笑う 門には 福来る。"] * 4
LINES = [
    "Der Mann schläft.",
    "",
    "a tab\tand é, 😀 or <unk> (now)! l'été",
    "福 <s> </s> ▁ <0xC3> @@ x@@ y ￭ ￭a￭",
]
# Parts of tokens that a tokenizer may treat in a special way.
PARTS = (
    "a ä 😀 笑 ￭ @@ @ ▁ <unk> <s> </s> <0xC3> <0xA4> <0x0A> <0xF0> <U+0009> <U+FFED> <U+10FFFF> "
    "<U+110000> <U+1F600> <U+123> $ \\ . ( UNK"
).split()

TOKENIZERS = {
    "whitespace": lambda: WhitespaceTokenizer.build(TEXT),
    "subword_nmt": lambda: WhitespaceTokenizer(Vocabulary(["a@@"]), continuation="@@"),
    "suffix": lambda: WhitespaceTokenizer(Vocabulary(["a"]), continuation="a$"),
    "characters": lambda: CharacterTokenizer.build(TEXT),
    "bytes": ByteTokenizer,
    "words": lambda: WordTokenizer.build(TEXT),
    "unigram": lambda: SentencePieceTokenizer.build(TEXT, 38, byte_fallback=False),
    "bpe": lambda: SentencePieceTokenizer.build(
        TEXT, 60, "bpe", byte_fallback=False, normalization="nmt_nfkc"
    ),
    "byte_fallback": lambda: SentencePieceTokenizer.build(TEXT, 294),
    "suffix_space": lambda: SentencePieceTokenizer.build(
        TEXT, 294, treat_whitespace_as_suffix=True
    ),
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def tokenizer(request):
    return TOKENIZERS[request.param]()


@pytest.fixture(scope="module")
def in_graph(tokenizer):
    signature = [tf.RaggedTensorSpec([None, None], tf.string)]
    function = tf.function(tokenizer.detokenize_tensor, input_signature=signature)

    def detokenize(lines):
        tokens = tf.ragged.constant(lines, tf.string, ragged_rank=1)
        return [line.decode() for line in function(tokens).numpy()]

    return detokenize


def test_tokens_of_text(tokenizer, in_graph):
    lines = [tokenizer.split(line) for line in LINES]
    assert in_graph(lines) == list(map(tokenizer.detokenize, lines))


def test_no_lines(in_graph):
    assert in_graph([]) == []
    assert in_graph([[], []]) == ["", ""]


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_tokens(tokenizer, in_graph, data):
    token = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map("".join)
    known = st.sampled_from(tokenizer.vocabulary.tokens)
    part = st.sampled_from(PARTS)
    lines = data.draw(st.lists(st.lists(st.one_of(known, part, token), max_size=8), max_size=4))
    assert in_graph(lines) == list(map(tokenizer.detokenize, lines))
