import gzip

import numpy as np
import pytest
from harness.toy_model import SOURCE_TOKENS, TARGET_TOKENS, make_toy_model, write_toy_model

from keras_seq2seq.decoding import BeamSearch, GreedySearch
from keras_seq2seq.errors import UserError
from keras_seq2seq.models import BasicSeq2Seq
from keras_seq2seq.text import (
    CharacterTokenizer,
    SentencePieceTokenizer,
    TextEncoder,
    Vocabulary,
    WhitespaceTokenizer,
    WordTokenizer,
)
from keras_seq2seq.translator import Translator, UnkReplacement

SENTENCES = ["ein Einhorn schläft .", "mann Zoo hund mann .", "Einhorn", "", "hund ein Zoo"]
MAPPING = {"Einhorn": "unicorn", "ein": "a", "mann": "Mann"}


def test_the_source_token_of_the_greatest_weight():
    attention = np.array([[0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.9, 0.05, 0.05]])
    tokens, source = ["<unk>", "<unk>", "man"], ["ein", "Zoo", "Einhorn"]
    assert UnkReplacement()(tokens, source, attention) == ["Zoo", "Einhorn", "man"]
    assert UnkReplacement(MAPPING)(tokens, source, attention) == ["Zoo", "unicorn", "man"]


TARGET_PIECES = SentencePieceTokenizer.build(["in live a"] * 9, size=8, byte_fallback=False)
SOURCE_PIECES = SentencePieceTokenizer.build(["Berlin in"] * 9, size=9, byte_fallback=False)
SPACES = WhitespaceTokenizer(Vocabulary(["in"]))
SUBWORDS = WhitespaceTokenizer(Vocabulary(["in"]), continuation="@@")
WORDS = WordTokenizer(Vocabulary(["in"]))
CHARACTERS = CharacterTokenizer(Vocabulary(["i"]))


@pytest.mark.parametrize(
    ("source", "target", "token", "expected"),
    [
        (SPACES, SPACES, "Berlin", "a Berlin a"),
        (SPACES, TARGET_PIECES, "Berlin", "a Berlin a"),
        (SPACES, WORDS, "Berlin", "a Berlin a"),
        (SUBWORDS, SPACES, "Ber@@", "a Ber a"),
        (WORDS, SPACES, "￭,", "a , a"),
        (WORDS, WORDS, "￭,", "a, a"),
        (WORDS, TARGET_PIECES, "￭,", "a, a"),
        (SOURCE_PIECES, SPACES, "▁in", "a in a"),
        (SOURCE_PIECES, WORDS, "▁in", "a in a"),
        (SOURCE_PIECES, TARGET_PIECES, "▁in", "a in a"),
        (CHARACTERS, SPACES, "B", "a B a"),
    ],
)
def test_copied_tokens_have_the_form_of_the_target_side(source, target, token, expected):
    word = "▁a" if target.name == "sentencepiece" else "a"
    attention, tokenizers = np.eye(3), (source, target)
    replacement, sources = UnkReplacement(), ["", token, ""]
    tokens = replacement([word, "<unk>", word], sources, attention, tokenizers)
    assert target.detokenize(tokens) == expected
    tokens = replacement(["<unk>", word], sources, attention[1:], tokenizers)
    assert target.detokenize(tokens) == expected[1:].strip()


def test_copied_words_follow_a_single_space():
    """SentencePiece encodes an unknown word as a space and an unknown token."""
    attention, tokenizers = np.eye(4), (SPACES, TARGET_PIECES)
    sources = ["", "", "Berlin", "Bonn"]
    tokens = UnkReplacement()(["▁a", "▁", "<unk>", "<unk>"], sources, attention, tokenizers)
    assert TARGET_PIECES.detokenize(tokens) == "a Berlin Bonn"


def test_copied_tokens_are_unchanged_if_both_sides_have_the_same_pieces():
    tokenizers = (SOURCE_PIECES, SOURCE_PIECES)
    assert UnkReplacement()(["<unk>"], ["▁in"], np.eye(1), tokenizers) == ["▁in"]


@pytest.mark.parametrize("name", ["table", "table.gz"])
def test_the_most_probable_target_of_a_file(tmp_path, name):
    text = (
        "Haus\thome\t0.2\nHaus\thouse\t0.7\nHaus\tbuilding\t0.1\n"
        # Logarithms; of equal ones the first.
        "Hund\tcat\t-2.5\nHund\tdog\t-0.1\nHund\thound\t-1e-1\n"
        # Without a probability it is certain.
        "Zoo\tzoo\nZoo\tpark\t0.99\n\nZoë\tzoe\n"
    )
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    expected = {"Haus": "house", "Hund": "dog", "Zoo": "zoo", "Zoë": "zoe"}
    assert UnkReplacement(path).mapping == expected


@pytest.mark.parametrize(
    "line", ["Haus", "Haus house 0.1", "a\tb\tc", "a\tb\t0.1\tx", "\tb", "a\t\t1"]
)
def test_a_line_of_another_form(tmp_path, line):
    path = tmp_path / "table"
    path.write_text(f"Haus\thouse\t0.7\n{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match='table:2: expected "source<TAB>target<TAB>probability" or'):
        UnkReplacement(path)


def make_translator(unk_replacement=None, search=None, reverse_source=False):
    return Translator(
        make_toy_model(26),
        TextEncoder(Vocabulary(SOURCE_TOKENS), reverse=reverse_source),
        Vocabulary(TARGET_TOKENS),
        search=search or GreedySearch(max_length=8),
        unk_replacement=unk_replacement,
    )


@pytest.mark.parametrize(
    ("search", "reverse_source"),
    [(GreedySearch(max_length=8), True), (BeamSearch(4, n_best=3), False)],
)
def test_every_unknown_word_of_every_hypothesis(search, reverse_source):
    options = {"search": search, "reverse_source": reverse_source}
    plain = make_translator(**options).translate(SENTENCES)
    replacing = make_translator(UnkReplacement(MAPPING), **options)
    number = 0
    for before, after in zip(plain, replacing.translate(SENTENCES), strict=True):
        source = before.source_tokens
        for hypothesis, replaced in zip(before.hypotheses, after.hypotheses, strict=True):
            expected = list(hypothesis.tokens)
            for place, token in enumerate(expected):
                if token == "<unk>":
                    word = source[
                        max(range(len(source)), key=hypothesis.attention[place].__getitem__)
                    ]
                    expected[place] = MAPPING.get(word, word)
                    number += 1
            assert replaced.tokens == expected
            assert replaced.text == " ".join(expected)
            assert replaced.score == pytest.approx(hypothesis.score, abs=1e-5)
    assert number > 3
    texts = [translation.text for translation in replacing.translate(SENTENCES)]
    assert replacing(SENTENCES) == texts


def test_a_reversed_source_that_was_reversed_before_gives_the_same_words():
    forward = make_translator(UnkReplacement())(["ein Einhorn schläft .", "Zoo mann"])
    backward = make_translator(UnkReplacement(), reverse_source=True)
    assert backward([". schläft Einhorn ein", "mann Zoo"]) == forward


def test_needs_attention():
    model = make_toy_model(model_class=BasicSeq2Seq)
    with pytest.raises(ValueError, match="needs a model with attention"):
        Translator(
            model,
            Vocabulary(SOURCE_TOKENS),
            Vocabulary(TARGET_TOKENS),
            unk_replacement=UnkReplacement(),
        )


def test_loads_with_the_option(tmp_path):
    write_toy_model(tmp_path)
    translator = Translator.load(tmp_path, unk_replace=True, unk_mapping=MAPPING)
    assert translator.unk_replacement.mapping == MAPPING
    search = BeamSearch(3)
    assert Translator.load(tmp_path, search=search, unk_replace=True).unk_replacement.mapping == {}
    with pytest.raises(UserError, match="unk_mapping: has no effect here: it needs unk_replace"):
        Translator.load(tmp_path, unk_mapping=MAPPING)
