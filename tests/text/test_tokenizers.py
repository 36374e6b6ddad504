import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.errors import UserError
from keras_seq2seq.text.tokenizers import CharacterTokenizer, WhitespaceTokenizer, get_tokenizer

TOKENIZERS = [WhitespaceTokenizer(), CharacterTokenizer()]
by_name = pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda t: t.name)


def tokenize(tokenizer, lines):
    rows = tokenizer.tokenize(tf.constant([line.encode() for line in lines])).to_list()
    return [[token.decode() for token in row] for row in rows]


@by_name
def test_found_by_name(tokenizer):
    assert type(get_tokenizer(tokenizer.name)) is type(tokenizer)
    assert get_tokenizer(tokenizer) is tokenizer


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("charcters", "did you mean 'characters'?"),
        ("Whitespace", "did you mean 'whitespace'?"),
        ("bpe", "choose from whitespace, characters"),
    ],
)
def test_unknown_name(name, hint):
    with pytest.raises(UserError) as error:
        get_tokenizer(name)
    assert str(error.value) == f"unknown tokenizer {name!r}; {hint}"


@by_name
def test_both_ways_of_splitting_agree_on_each_character(tokenizer):
    codes = [*range(1, 0xD800), *range(0xE000, 0x20000)]
    # Many to a line, for speed.
    lines = [
        " x".join(f"a{chr(code)}b" for code in codes[start : start + 512])
        for start in range(0, len(codes), 512)
    ]
    assert tokenize(tokenizer, lines) == [tokenizer.split(line) for line in lines]


@by_name
@given(
    lines=st.lists(
        st.text(st.sampled_from(" \t\r\n\x0b\x1c\x85\xa0\u3000\ufeff▁aüé笑😀")), min_size=1
    )
)
@settings(deadline=None)
def test_both_ways_of_splitting_agree(tokenizer, lines):
    assert tokenize(tokenizer, lines) == [tokenizer.split(line) for line in lines]


@by_name
@given(words=st.lists(st.text(st.sampled_from("aüé笑😀,"), min_size=1)))
def test_join_is_the_inverse(tokenizer, words):
    line = " ".join(words)
    assert tokenizer.join(tokenizer.split(line)) == line


@by_name
def test_splits_inside_of_several_graphs(tokenizer):
    lines = tf.data.Dataset.from_tensors(["a b"])
    for _ in range(2):
        (tokens,) = lines.map(tokenizer.tokenize)
        assert tokenizer.join(token.decode() for token in tokens.to_list()[0]) == "a b"


def test_whitespace():
    assert WhitespaceTokenizer().split(" ein\tmann\xa0läuft  .\r\n") == [
        "ein",
        "mann",
        "läuft",
        ".",
    ]
    assert WhitespaceTokenizer().split(" \u3000") == []
    assert WhitespaceTokenizer().split("a\x1cb") == ["a\x1cb"]


def test_characters():
    assert CharacterTokenizer().split(" 3rd\tm\xe4rz \r\n") == list("3rd▁märz")
    assert CharacterTokenizer().split("a  b") == ["a", "▁", "▁", "b"]
    assert CharacterTokenizer().split(" \u3000") == []
    assert CharacterTokenizer().join(["a", "▁", "b"]) == "a b"
