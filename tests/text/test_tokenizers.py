import copy
import hashlib
import json
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.errors import UserError
from keras_seq2seq.text import (
    TOKENIZERS,
    CharacterTokenizer,
    SentencePieceTokenizer,
    Tokenizer,
    Vocabulary,
    WhitespaceTokenizer,
    get_tokenizer,
    get_tokenizer_class,
    register_tokenizer,
)

by_name = pytest.mark.parametrize(
    "tokenizer", [WhitespaceTokenizer(), CharacterTokenizer()], ids=lambda t: t.name
)


def tokenize(tokenizer, lines):
    rows = tokenizer.tokenize(tf.constant([line.encode() for line in lines])).to_list()
    return [[token.decode() for token in row] for row in rows]


@by_name
def test_found_by_name(tokenizer):
    assert type(get_tokenizer(tokenizer.name)) is type(tokenizer)
    assert get_tokenizer(tokenizer) is tokenizer


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
@pytest.mark.parametrize("copy", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_can_be_copied_and_pickled_after_use(name, copy):
    lines = ["ab ba c .", "b ca . a"]
    if name == "sentencepiece":
        tokenizer = SentencePieceTokenizer.build(lines * 9, size=264)
    else:
        tokenizer = get_tokenizer(name, None if name == "bytes" else Vocabulary("abc."))
    ids = tokenizer(tf.constant(lines)).to_list()
    tokens = tokenize(tokenizer, lines)
    again = copy(tokenizer)
    assert again == tokenizer
    assert again(tf.constant(lines)).to_list() == ids
    assert tokenize(again, lines) == tokens


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("charcters", "did you mean 'characters'?"),
        ("Whitespace", "did you mean 'whitespace'?"),
        ("bpe", "choose from whitespace, characters, bytes, sentencepiece, words"),
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
@given(lines=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\n")), min_size=1))
@settings(deadline=None)
def test_both_ways_of_splitting_agree_on_any_text(tokenizer, lines):
    assert tokenize(tokenizer, lines) == [tokenizer.split(line) for line in lines]


@by_name
@given(words=st.lists(st.text(st.sampled_from("aüé笑😀,"), min_size=1)))
def test_detokenize_is_the_inverse(tokenizer, words):
    line = " ".join(words)
    assert tokenizer.detokenize(tokenizer.split(line)) == line


@by_name
def test_splits_inside_of_several_graphs(tokenizer):
    lines = tf.data.Dataset.from_tensors(["a b"])
    for _ in range(2):
        (tokens,) = lines.map(tokenizer.tokenize)
        assert tokenizer.detokenize(token.decode() for token in tokens.to_list()[0]) == "a b"


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
    assert CharacterTokenizer().detokenize(["a", "▁", "b"]) == "a b"


@by_name
def test_many_spaces_take_little_time(tokenizer):
    begin = time.process_time()
    tokenizer.split("a" + " " * 100_000 + "b")
    assert time.process_time() - begin < 5


VOCABULARY = Vocabulary(["a", "▁", "é"])


@by_name
def test_ids_in_a_graph(tokenizer):
    """Ids are those of the vocabulary, in eager mode and in several `tf.data` graphs."""
    tokenizer = type(tokenizer)(VOCABULARY)
    expected = [VOCABULARY.to_ids(tokenizer.split(line)) for line in ("a é", "", "x a")]
    lines = tf.constant(["a é", "", "x a"])
    for _ in range(2):
        (ids,) = tf.data.Dataset.from_tensors(lines).map(tokenizer)
        assert ids.dtype == tf.int32
        assert ids.to_list() == expected
    assert tokenizer(lines).to_list() == expected
    assert tf.function(tokenizer, autograph=False)(lines).to_list() == expected


def test_ids_and_tokens():
    tokenizer = WhitespaceTokenizer(VOCABULARY)
    assert tokenizer.vocabulary_size() == 7
    assert tokenizer.get_vocabulary() == ["<pad>", "<unk>", "<s>", "</s>", "a", "▁", "é"]
    for i, token in enumerate(tokenizer.get_vocabulary()):
        assert tokenizer.token_to_id(token) == i
        assert tokenizer.id_to_token(i) == token
    assert tokenizer.token_to_id("x") == 1
    with pytest.raises(IndexError):
        tokenizer.id_to_token(7)
    # In text, special tokens are unknown words.
    assert tokenizer(tf.constant(["a </s>"])).to_list() == [[4, 1]]


def test_builds_a_vocabulary():
    lines = ["b a", "b a c", "b"]
    tokenizer = WhitespaceTokenizer.build(lines)
    assert (tokenizer.vocabulary.tokens, tokenizer.vocabulary.counts) == (
        ("b", "a", "c"),
        (3, 2, 1),
    )
    assert WhitespaceTokenizer.build(lines, size=1).get_vocabulary()[4:] == ["b"]
    assert WhitespaceTokenizer.build(lines, min_frequency=2).get_vocabulary()[4:] == ["b", "a"]
    assert CharacterTokenizer.build(iter(lines)).get_vocabulary()[4:] == ["b", "▁", "a", "c"]
    with pytest.raises(TypeError, match="must be an iterable of lines. Received: 'b a'"):
        WhitespaceTokenizer.build("b a")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a", None], r"lines\[1\] is None; expected a string"),
        (["a", "b", float("nan")], r"lines\[2\] is nan; expected a string"),
        ([1], r"lines\[0\] is 1; expected a string"),
        ([["a", "b"]], r"lines\[0\] is \['a', 'b'\]; expected a string"),
        (b"a", "must be an iterable of lines. Received: b'a'"),
        (Path("a"), "must be an iterable of lines. Received: PosixPath"),
        ({"en": ["a"]}, "must be an iterable of lines. Received: {'en'"),
        (5, "must be an iterable of lines. Received: 5"),
    ],
)
def test_build_refuses_what_is_no_text(lines, message):
    for tokenizer_class in (WhitespaceTokenizer, CharacterTokenizer):
        with pytest.raises(TypeError, match=message):
            tokenizer_class.build(lines)


@pytest.mark.parametrize(
    "lines", [("b a", "a"), (line for line in ("b a", "a")), np.array(["b a", "a"]), [b"b a", b"a"]]
)
def test_build_takes_any_lines(lines):
    assert WhitespaceTokenizer.build(lines).vocabulary.tokens == ("a", "b")


def test_build_takes_a_column_of_a_data_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"en": ["b a", "a"]}, index=[3, 3])
    assert WhitespaceTokenizer.build(frame["en"], size=1).vocabulary.tokens == ("a",)
    with pytest.raises(TypeError, match="must be an iterable of lines"):
        WhitespaceTokenizer.build(frame)


@by_name
def test_save_and_load(tokenizer, tmp_path):
    saved = type(tokenizer)(VOCABULARY)
    saved.save(tmp_path / "source")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "source.tokenizer.json",
        "source.vocab",
    ]
    assert json.loads((tmp_path / "source.tokenizer.json").read_text()) == {
        "kind": tokenizer.name,
        "config": {},
        # sha256sum of the tokens, with a line feed between them
        "vocabulary_sha256": hashlib.sha256("\n".join(VOCABULARY.tokens).encode()).hexdigest(),
    }
    for loaded in (Tokenizer.load(tmp_path / "source"), type(saved).load(tmp_path / "source")):
        assert type(loaded) is type(saved)
        assert loaded.vocabulary == VOCABULARY


def test_a_vocabulary_file_alone_has_a_default_kind(tmp_path):
    VOCABULARY.save(tmp_path / "source.vocab")
    assert type(Tokenizer.load(tmp_path / "source", "characters")) is CharacterTokenizer
    with pytest.raises(UserError, match="source.tokenizer.json: no such file"):
        Tokenizer.load(tmp_path / "source")


class PieceTokenizer(Tokenizer):
    """Cuts words into pieces of some length, and has a file of its own."""

    name = "pieces"

    def __init__(self, vocabulary=None, length=2):
        super().__init__(vocabulary)
        self.length = length
        self.notes = ""

    def tokenize(self, lines):
        # Bytes are characters in the tests below.
        starts = f"(.{{{self.length}}})"
        return tf.strings.split(tf.strings.regex_replace(lines, starts, r"\1 "))

    def split(self, line):
        return [line[i : i + self.length] for i in range(0, len(line), self.length)]

    def detokenize(self, tokens):
        return "".join(tokens)

    def get_config(self):
        return {"length": self.length}

    def save_assets(self, prefix):
        Path(f"{prefix}.notes").write_text(self.notes)

    def load_assets(self, prefix):
        self.notes = Path(f"{prefix}.notes").read_text()


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(TOKENIZERS, "pieces", PieceTokenizer)


def test_arguments_and_files_of_a_tokenizer_are_saved(registered, tmp_path):
    tokenizer = PieceTokenizer.build(["aabbaa"], length=2)
    tokenizer.notes = "how it was made"
    tokenizer.save(tmp_path / "target")
    loaded = Tokenizer.load(tmp_path / "target")
    assert type(loaded) is PieceTokenizer
    assert (loaded.length, loaded.notes) == (2, "how it was made")
    assert loaded(tf.constant(["bbaa"])).to_list() == [[5, 4]]
    assert get_tokenizer_class("pieces") is PieceTokenizer


def test_decorator_registers(monkeypatch):
    monkeypatch.delitem(TOKENIZERS, "pieces", raising=False)
    assert register_tokenizer(PieceTokenizer) is PieceTokenizer
    assert TOKENIZERS.pop("pieces") is PieceTokenizer


def test_a_tokenizer_that_is_not_registered_cannot_be_loaded(tmp_path):
    PieceTokenizer(VOCABULARY).save(tmp_path / "source")
    with pytest.raises(UserError, match="unknown tokenizer 'pieces'; import the module that def"):
        Tokenizer.load(tmp_path / "source")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged file"),
        ("[]", "damaged file"),
        ('{"kind": "whitespace"}', "damaged file"),
        ('{"kind": "characters", "config": {}}', "contains a CharacterTokenizer, not a Whitespace"),
        ('{"kind": "whitespace", "config": {"size": 3}}', "invalid configuration of 'whitespace'"),
    ],
)
def test_a_damaged_file(tmp_path, text, message):
    WhitespaceTokenizer(VOCABULARY).save(tmp_path / "source")
    (tmp_path / "source.tokenizer.json").write_text(text)
    with pytest.raises(UserError, match=message):
        WhitespaceTokenizer.load(tmp_path / "source")


def test_invalid_arguments():
    with pytest.raises(TypeError, match="`vocabulary` must be a Vocabulary"):
        WhitespaceTokenizer(["a"])
    with pytest.raises(TypeError, match="expected a Tokenizer or its name. Received: 3"):
        get_tokenizer(3)
    with pytest.raises(TypeError, match="either the name of a tokenizer and a vocabulary, or"):
        get_tokenizer(WhitespaceTokenizer(), VOCABULARY)


def test_join_is_deprecated():
    with pytest.warns(DeprecationWarning, match="join is deprecated; use detokenize"):
        assert WhitespaceTokenizer().join(["a", "b"]) == "a b"


def test_joins_the_subwords_of_subword_nmt(tmp_path):
    lines = ["the do@@ gs@@", "a low@@ er hou@@ se"]
    tokenizer = WhitespaceTokenizer.build(lines)
    assert tokenizer.continuation == "@@"
    assert tokenizer.split(lines[1]) == ["a", "low@@", "er", "hou@@", "se"]
    assert tokenizer.detokenize(["a", "low@@", "er", "hou@@", "se"]) == "a lower house"
    assert tokenizer.detokenize(["do@@", "gs@@"]) == "dogs"
    assert tokenizer.detokenize(["a", "@@"]) == "a"
    assert tokenizer.detokenize(["a", "<unk>", "b"]) == "a <unk> b"
    assert tokenizer.detokenize([]) == ""
    tokenizer.vocabulary.save(tmp_path / "vocab")
    assert WhitespaceTokenizer.from_file(tmp_path / "vocab") == tokenizer
    tokenizer.save(tmp_path / "source")
    assert Tokenizer.load(tmp_path / "source").continuation == "@@"


def test_other_vocabularies_are_not_taken_for_subwords(tmp_path):
    words = [f"word{number}" for number in range(200)]
    tokenizer = WhitespaceTokenizer.build([" ".join([*words, "me@@"])])
    assert tokenizer.continuation is None
    # Model directories of earlier versions stay as they are.
    subwords = WhitespaceTokenizer(Vocabulary(["do@@", "gs"]))
    subwords.save(tmp_path / "source")
    assert Tokenizer.load(tmp_path / "source").detokenize(["do@@", "gs"]) == "do@@ gs"


def test_equality():
    tokenizer = WhitespaceTokenizer(VOCABULARY)
    assert tokenizer == WhitespaceTokenizer(Vocabulary(VOCABULARY.tokens))
    assert tokenizer != CharacterTokenizer(VOCABULARY)
    assert tokenizer != WhitespaceTokenizer(Vocabulary(["a"]))
    assert tokenizer != WhitespaceTokenizer(VOCABULARY, continuation="@@")
    assert tokenizer != "whitespace"
    assert WhitespaceTokenizer() == WhitespaceTokenizer()


def test_another_vocabulary_of_the_same_size_is_refused(tmp_path):
    WhitespaceTokenizer(Vocabulary(["a", "b"])).save(tmp_path / "source")
    assert Tokenizer.load(tmp_path / "source").vocabulary.tokens == ("a", "b")
    (tmp_path / "source.vocab").write_text("b\na\n")
    with pytest.raises(UserError, match="source.vocab: not the vocabulary that was saved with"):
        Tokenizer.load(tmp_path / "source")


@pytest.mark.parametrize("kind", [[], {}, 1, None])
def test_a_kind_that_is_no_name_is_one_line(tmp_path, kind):
    (tmp_path / "source.tokenizer.json").write_text(json.dumps({"kind": kind, "config": {}}))
    with pytest.raises(UserError, match="source.tokenizer.json: damaged file"):
        Tokenizer.load(tmp_path / "source")
