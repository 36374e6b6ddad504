import time
import unicodedata

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.errors import UserError
from keras_seq2seq.text import (
    ByteTokenizer,
    TextEncoder,
    Tokenizer,
    Vocabulary,
    WordTokenizer,
    build_tokenizer,
)
from keras_seq2seq.text.words import _normalize

LOSSLESS = [WordTokenizer(), ByteTokenizer()]
ALL = [*LOSSLESS, WordTokenizer(lowercase=True), WordTokenizer(nfkc=True)]


def show(tokenizer):
    return " ".join(
        [tokenizer.name, *(key for key, value in tokenizer.get_config().items() if value)]
    )


by_kind = pytest.mark.parametrize("tokenizer", ALL, ids=show)
lossless = pytest.mark.parametrize("tokenizer", LOSSLESS, ids=show)

# Characters whose neighbors matter.
_TRICKY = "aB é'’.,-(5２ \t\xa0\u3000\x1c漢カーひд가ﬁ①İ\u0301\u200d\ufe0f😀￭▁<U+0020>\ufeff\0"
tricky_text = st.text(st.sampled_from(_TRICKY), max_size=20)
# Newer characters may be unknown to the Unicode tables of TensorFlow or Python.
any_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cn"]), max_size=20)


def tokenize(tokenizer, lines):
    rows = tokenizer.tokenize(tf.constant([line.encode() for line in lines], tf.string)).to_list()
    return [[token.decode() for token in row] for row in rows]


@by_kind
@given(lines=st.lists(tricky_text | any_text, min_size=1, max_size=20))
@settings(deadline=None)
def test_both_ways_of_splitting_agree(tokenizer, lines):
    assert tokenize(tokenizer, lines) == [tokenizer.split(line) for line in lines]


@lossless
def test_both_ways_of_splitting_agree_on_each_character(tokenizer):
    codes = [*range(0xD800), *range(0xE000, 0x110000, 7)]
    lines = [
        "".join(f"a{chr(code)}b {chr(code)}" for code in codes[i : i + 512])
        for i in range(0, len(codes), 512)
    ]
    assert tokenize(tokenizer, lines) == [tokenizer.split(line) for line in lines]


@lossless
@given(line=tricky_text | any_text)
@settings(deadline=None, max_examples=500)
def test_detokenize_is_the_exact_inverse(tokenizer, line):
    assert tokenizer.detokenize(tokenizer.split(line)) == line


@by_kind
@given(tokens=st.lists(tricky_text | st.sampled_from(["<U+FFFFFF>", "<0xFF>", "￭￭", "<unk>"])))
@settings(deadline=None)
def test_detokenize_takes_anything(tokenizer, tokens):
    assert isinstance(tokenizer.detokenize(tokens), str)


@pytest.mark.parametrize(
    ("line", "tokens"),
    [
        ("Don't stop (now)!", ["Don't", "stop", "(￭", "now", "￭)", "￭!"]),
        ("l’été, 3.14 €", ["l’été", "￭,", "3", "￭.￭", "14", "€"]),
        ("'quoted' the 3rd", ["'￭", "quoted", "￭'", "the", "3", "￭rd"]),
        ("a-b a -b", ["a", "￭-￭", "b", "a", "-￭", "b"]),
        ("e\u0301a", ["e\u0301a"]),
        ("漢字カード abc", ["漢", "￭字", "￭カード", "abc"]),
        ("Москва-river", ["Москва", "￭-￭", "river"]),
        ("abcд", ["abc", "￭д"]),
        ("❤\ufe0f😀", ["❤\ufe0f", "￭😀"]),
        ("a  b\tc", ["a", "￭<U+0020>", "￭<U+0020>￭", "b", "￭<U+0009>￭", "c"]),
        (" a", ["<U+0020>￭", "a"]),
        ("￭ <U+0020>", ["<U+FFED>", "<￭", "U", "￭+￭", "0020", "￭>"]),
        ("", []),
    ],
)
def test_words(line, tokens):
    assert WordTokenizer().split(line) == tokens
    assert WordTokenizer().detokenize(tokens) == line


def test_long_lines_are_normalized_like_short_ones_in_little_time():
    random = np.random.default_rng(0)
    # Marks of several classes, one that consists of two, Hangul, ligatures and letters.
    characters = list("ae\u0301\u0316\u0323\u0344\u1100\u1161\u11a8\ufb01\u00c5\u05b0\u0f73 ")
    for _ in range(20):
        line = "".join(random.choice(characters, 1500))
        assert _normalize(line) == unicodedata.normalize("NFKC", line)
    begin = time.perf_counter()
    _normalize("a" + "\u0301\u0316" * 200_000)
    assert time.perf_counter() - begin < 20


def test_normalization_of_words():
    assert WordTokenizer(lowercase=True).split("Ein MANN İ") == ["ein", "mann", "İ"]
    assert WordTokenizer(nfkc=True).split("ﬁne ２ A\u030a") == ["fine", "2", "Å"]
    built = WordTokenizer.build(["Ein Mann, ein Hund"], size=2, lowercase=True)
    assert built.vocabulary.tokens == ("ein", "hund")
    assert built(tf.constant(["EIN Hund."])).to_list() == [[4, 5, 1]]


def test_words_can_be_saved(tmp_path):
    tokenizer = WordTokenizer.build(["Ein  Mann,￭"], lowercase=True)
    tokenizer.save(tmp_path / "source")
    loaded = Tokenizer.load(tmp_path / "source")
    assert loaded == tokenizer
    assert loaded != WordTokenizer(tokenizer.vocabulary)
    assert (loaded.lowercase, loaded.nfkc) == (True, False)


def test_bytes(tmp_path):
    tokenizer = ByteTokenizer()
    assert tokenizer.split("3 mä\0") == ["3", "▁", "m", "<0xC3>", "<0xA4>", "<0x00>"]
    assert tokenizer(tf.constant(["\0a", "", "ä"])).to_list() == [[4, 101], [], [199, 168]]
    assert tokenizer.vocabulary_size() == 260
    assert tokenizer.detokenize(["a", "<0xC3>", "b"]) == "a\ufffdb"
    assert tokenizer.detokenize(["a", "<unk>", "▁"]) == "a<unk> "
    assert tokenizer.detokenize(tokenizer.split("▁<0xC3>")) == "▁<0xC3>"
    assert ByteTokenizer.build(["a"], size=3) == tokenizer
    tokenizer.save(tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target.tokenizer.json"]
    assert Tokenizer.load(tmp_path / "target") == tokenizer
    with pytest.raises(UserError, match="'bytes' has no vocabulary file; leave it out"):
        ByteTokenizer.from_file("vocab")
    with pytest.raises(UserError, match="'bytes' has a fixed vocabulary; leave it out"):
        ByteTokenizer(Vocabulary(["a"]))


def test_vocabularies_contain_no_outer_white_space(tmp_path):
    path = tmp_path / "text"
    path.write_text("A man. \nA dog.\n")
    with path.open() as file:
        tokens = WordTokenizer.build(file).vocabulary.tokens
    assert sorted(tokens) == sorted(["A", "￭.", "man", "dog"])
    assert build_tokenizer("words", ["A man. "]).vocabulary.tokens == ("A", "man", "￭.")


@lossless
def test_text_encoders_ignore_outer_white_space(tokenizer):
    tokenizer = type(tokenizer).build(["a man"])
    encoder = TextEncoder(tokenizer)
    lines = ["\ufeff a man \r", "a man", " \u3000 ", ""]
    expected = tokenizer.split("a man")
    assert [encoder.split(line) for line in lines] == [expected, expected, [], []]
    assert encoder(tf.constant(lines)).to_list()[:2] == [tokenizer.vocabulary.to_ids(expected)] * 2
    assert encoder.count_tokens(tf.constant(lines)).numpy().tolist() == [len(expected)] * 2 + [0, 0]
