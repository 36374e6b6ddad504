"""Whatever a line holds, there is one line out for each line in."""

import random
import re

import pytest
from harness.toy_model import SOURCE_TOKENS, TARGET_TOKENS, make_toy_model

from keras_seq2seq.decoding import BeamSearch, GreedySearch
from keras_seq2seq.errors import UserError
from keras_seq2seq.text import Vocabulary, get_tokenizer
from keras_seq2seq.translator import Translator, UnkReplacement
from keras_seq2seq.translator.paragraphs import translate_paragraphs

JUNK = [
    "",
    " \t ",
    "ein mann schläft .",
    "🦄 👩‍👩‍👧‍👦 🏳️‍🌈",
    "שלום עולם \u202eevil\u202c مرحبا",
    "\x01\x02 \x1b[31m \x1c\x1d \x7f \x85",
    "\ufffe \ufdd0 \U0010ffff e\u0301\u0301\u0301",
    "<unk> <s> </s> <pad>",
    "\u2028 \u2029 \u3000",
    "x" * 5000,
    "a\ufeffb",
]


def junk_lines(number):
    random_ = random.Random(number)
    lines = [random_.choice(JUNK) for _ in range(number)]
    lines[number // 2] = "mann hund " * 2500
    return lines


@pytest.mark.parametrize(
    ("search", "tokenizer"),
    [
        (GreedySearch(max_length=6), "characters"),
        (BeamSearch(3, max_length=6), "whitespace"),
    ],
)
def test_a_line_out_for_each_line_in(search, tokenizer):
    translator = Translator(
        make_toy_model(26),
        get_tokenizer(tokenizer, Vocabulary(SOURCE_TOKENS)),
        Vocabulary(TARGET_TOKENS),
        search=search,
        unk_replacement=UnkReplacement(),
    )
    if tokenizer == "characters":
        lines = [line[:5000] for line in junk_lines(60)]
    else:
        lines = junk_lines(200)
    together = translator(lines, batch_size=16)
    assert len(together) == len(lines)
    alone = {line: translator([line])[0] for line in JUNK}
    assert {
        line: text for line, text in zip(lines, together, strict=True) if line in alone
    } == alone
    assert not any(re.search("[\n\r\x00]", text) for text in together)


def test_a_line_that_is_no_sentence():
    translator = Translator(make_toy_model(), Vocabulary(SOURCE_TOKENS), Vocabulary(TARGET_TOKENS))
    message = "sentence 2 has 10,001 tokens; expected at most 10,000"
    with pytest.raises(UserError, match=message):
        translator(["ein", "ein " * 10_001])


def test_a_sentence_that_is_too_long_is_reported_with_its_line():
    translator = Translator(make_toy_model(), Vocabulary(SOURCE_TOKENS), Vocabulary(TARGET_TOKENS))
    lines = ["Ein mann. Ein hund. Ein.", "hund", "Mann. " + "Ein " * 10_001, "hund"]
    with pytest.raises(UserError, match="^a sentence in line 3 has 10,001 tokens; expected"):
        list(translate_paragraphs(translator.stream, lines))
