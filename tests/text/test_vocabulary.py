import subprocess
import sys
from collections import Counter

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_seq2seq.errors import UserError
from keras_seq2seq.special_tokens import RESERVED_TOKENS
from keras_seq2seq.text import vocabulary as vocabulary_module
from keras_seq2seq.text.tokenizers import WhitespaceTokenizer
from keras_seq2seq.text.vocabulary import Vocabulary, read_vocabulary_file

LINES = ["b a c a".split(), "a d b".split(), "<unk> c".split()]


def test_ids_start_after_the_special_ones():
    vocabulary = Vocabulary(["the", "man"])
    assert vocabulary.to_ids(["man", "dog", "the", "<s>"]) == [5, 1, 4, 1]
    assert vocabulary.to_tokens([0, 1, 2, 3, 4, 5]) == [
        "<pad>", "<unk>", "<s>", "</s>", "the", "man",
    ]  # fmt: skip
    assert len(vocabulary) == 6
    assert "man" in vocabulary and "dog" not in vocabulary


@given(st.lists(st.text(st.sampled_from("ab \t\x1c\x1d\x1f\xad\u200b\ufeff\u2028é笑")), min_size=1))
def test_reads_all_that_it_writes(tmp_path_factory, lines):
    tokens = Counter(token for line in lines for token in WhitespaceTokenizer().split(line))
    if not tokens:
        return
    vocabulary = Vocabulary.build(tokens)
    path = tmp_path_factory.mktemp("vocabulary") / "vocab"
    for written in (vocabulary, Vocabulary(vocabulary.tokens)):
        written.save(path)
        assert read_vocabulary_file(path) == (
            list(written.tokens),
            None if written.counts is None else list(written.counts),
        )


CONTENTS = st.text(st.sampled_from("ab12\t\n\n\n\r\0 \x1c\ufeff\u2028é"), max_size=12)


@given(CONTENTS | st.sampled_from(["<s>\n", "<unk>\t0\n", "a\nb\na\n", "a\t1\nb\n"]))
def test_files_are_read_alike_at_once_and_line_by_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("vocabulary") / "vocab"
    path.write_bytes(content.encode())
    found = vocabulary_module._read_at_once(path)
    if found is not None:
        assert found == vocabulary_module._read_line_by_line(path)


def test_what_is_written_is_read_at_once(tmp_path):
    path = tmp_path / "vocab"
    Vocabulary(["b", "a"]).save(path)
    assert vocabulary_module._read_at_once(path) == (["b", "a"], None)
    Vocabulary.build(Counter("abb")).save(path)
    assert vocabulary_module._read_at_once(path) == (["b", "a"], [2, 1])


def test_the_number_of_tokens_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(vocabulary_module, "MAX_TOKENS", 3)
    path = tmp_path / "vocab"
    path.write_text("a\nb\nc\nd\n")
    with pytest.raises(UserError, match="vocab:4: too many tokens; expected at most 3"):
        Vocabulary.load(path)
    with pytest.raises(UserError, match="the text has 4 different tokens; expected at most 3"):
        Vocabulary.build([list("abcd")])
    assert len(Vocabulary.build([list("abcd")], size=3).tokens) == 3


@pytest.mark.parametrize("i", [-1, 6])
def test_refuses_an_id_outside(i):
    with pytest.raises(IndexError, match=f"id {i} .* expected 0 to 5"):
        Vocabulary(["the", "man"]).to_tokens([i])


def test_build_orders_by_count_then_code_point():
    vocabulary = Vocabulary.build(LINES)
    assert vocabulary.tokens == ("a", "b", "c", "d")
    assert vocabulary.counts == (3, 2, 2, 1)


def test_build_takes_counts_and_limits():
    counts = Counter({"z": 2, "ä": 2, "a": 5, "rare": 1, "UNK": 9})
    assert Vocabulary.build(counts).tokens == ("a", "z", "ä", "rare")
    assert Vocabulary.build(counts, min_frequency=2).tokens == ("a", "z", "ä")
    assert Vocabulary.build(counts, size=2).tokens == ("a", "z")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"size": 0}, "size is 0"),
        ({"size": "5"}, "size is '5'; expected a whole number"),
        ({"min_frequency": 0}, "min_frequency is 0"),
        ({"min_frequency": 4}, "no token occurs at least 4 times"),
    ],
)
def test_build_refuses(options, problem):
    with pytest.raises(UserError, match=problem):
        Vocabulary.build(LINES, **options)


@pytest.mark.parametrize(
    ("token_lists", "message"),
    [
        ("a b", "token_lists is 'a b'; expected a list of tokens"),
        (["a b c a"], r"token_lists\[0\] is 'a b c a'; expected a list of tokens \(Whitespace"),
        ([["a"], "a b"], r"token_lists\[1\] is 'a b'"),
    ],
)
def test_text_is_not_taken_letter_by_letter(token_lists, message):
    with pytest.raises(TypeError, match=message):
        Vocabulary.build(token_lists)
    with pytest.raises(TypeError, match="must be a list of tokens. Received: 'a b'"):
        Vocabulary("a b")


def test_build_refuses_text_without_tokens():
    with pytest.raises(UserError, match="no token"):
        Vocabulary.build([[], []])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (([],), "at least one token"),
        ((["a", "b", "a"],), "'a' occurs 2 times"),
        ((["a", "</s>"],), "'</s>' is reserved"),
        ((["a", "b"], [1]), "2 tokens, but 1 counts"),
    ],
)
def test_refuses_bad_tokens(arguments, problem):
    with pytest.raises(UserError, match=problem):
        Vocabulary(*arguments)


def test_file_format(tmp_path):
    Vocabulary(["the", "ü"]).save(tmp_path / "plain")
    assert (tmp_path / "plain").read_bytes() == "the\nü\n".encode()
    Vocabulary(["the", "ü"], [7, 2]).save(tmp_path / "counted")
    assert (tmp_path / "counted").read_bytes() == "the\t7\nü\t2\n".encode()


@given(
    counts=st.dictionaries(
        st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1).filter(
            lambda token: token not in RESERVED_TOKENS
        ),
        st.integers(min_value=1),
        min_size=1,
    )
)
def test_load_gives_back_what_was_saved(tmp_path_factory, counts):
    path = tmp_path_factory.mktemp("vocabulary") / "vocab"
    vocabulary = Vocabulary.build(Counter(counts))
    vocabulary.save(path)
    loaded = Vocabulary.load(path)
    assert loaded == vocabulary
    assert loaded.counts == vocabulary.counts


def test_lookup_table_gives_the_same_ids():
    vocabulary = Vocabulary(["the", "ü", "笑"])
    tokens = ["笑", "dog", "the", "ü", "<s>", ""]
    ids = vocabulary.lookup_table().lookup(tf.constant(tokens))
    assert ids.dtype == tf.int32
    assert ids.numpy().tolist() == vocabulary.to_ids(tokens) == [6, 1, 4, 5, 1, 1]


def test_imports_without_tensorflow():
    code = (
        "import sys, keras_seq2seq.data, keras_seq2seq.data.batching\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def read(tmp_path, data: bytes):
    path = tmp_path / "vocab.txt"
    path.write_bytes(data)
    return read_vocabulary_file(path)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"the\na\n", (["the", "a"], None)),
        (b"the\na", (["the", "a"], None)),
        (b"the\t12\na\t3\n", (["the", "a"], [12, 3])),
        (b"\xef\xbb\xbfthe\r\na\r\n", (["the", "a"], None)),
        (b"the  \r\n a\n", (["the", "a"], None)),
        (b"the\t12 \n", (["the"], [12])),
        ("▁\nü\n笑\n".encode(), (["▁", "ü", "笑"], None)),
    ],
)
def test_reads(tmp_path, data, expected):
    assert read(tmp_path, data) == expected


@pytest.mark.parametrize(
    ("data", "place", "problem"),
    [
        (b"the\na\nthe\n", ":3:", "'the' duplicates line 1"),
        (b"the\t5\nthe\t7\n", ":2:", "'the' duplicates line 1"),
        (b"the\n\na\n", ":2:", "blank line"),
        (b"the\na\n \t\n", ":3:", "blank line"),
        (b"the\t3\n\t5\n", ":2:", "blank line"),
        (b"the\n<unk>\n", ":2:", "'<unk>' is reserved"),
        (b"<UNK>\nthe\n", ":1:", "'<UNK>' is reserved"),
        (b"UNK\n", ":1:", "'UNK' is reserved"),
        (b"SEQUENCE_START\n", ":1:", "'SEQUENCE_START' is reserved"),
        (b"SEQUENCE_END\t1\n", ":1:", "'SEQUENCE_END' is reserved"),
        (b"<pad>\n", ":1:", "'<pad>' is reserved"),
        (b"<s>\n", ":1:", "'<s>' is reserved"),
        (b"</s>\n", ":1:", "'</s>' is reserved"),
        (b"the 12\n", ":1:", "whitespace in 'the 12'"),
        (b"the\t12\na\tmany\n", ":2:", "count 'many'"),
        (b"the\t-3\n", ":1:", "a score, as in the .vocab file"),
        (b"the\t1_0\n", ":1:", "count '1_0'"),
        (b"the\t1\t2\n", ":1:", "count '1\\t2'"),
        (b"the\t12\na\n", ":2:", "counts on some lines only"),
        (b"the\na\t12\n", ":2:", "counts on some lines only"),
        (b"the\ngr\xfcn\n", ":2:", "not UTF-8: byte 0xfc at column 3"),
        (b"the\n\0\n", ":2:", "NUL byte"),
        (b"", ":", "empty file"),
    ],
)
def test_refuses_and_names_the_place(tmp_path, data, place, problem):
    with pytest.raises(UserError) as error:
        read(tmp_path, data)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'vocab.txt'}{place} ")
    assert problem in message
    assert "\n" not in message
