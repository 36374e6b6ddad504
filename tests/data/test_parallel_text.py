import gzip
import hashlib

import pytest

from keras_seq2seq.data.parallel_text import scan_parallel_text
from keras_seq2seq.errors import UserError
from keras_seq2seq.text import CharacterTokenizer, TextEncoder, Vocabulary, WhitespaceTokenizer

ENGLISH = Vocabulary("a man sleeps".split())
GERMAN = Vocabulary("ein mann schläft".split())


def scan(
    tmp_path,
    source: bytes | None,
    target: bytes | None,
    source_name="en",
    source_vocabulary=ENGLISH,
    target_vocabulary=GERMAN,
    source_tokenizer=WhitespaceTokenizer,
    target_tokenizer=WhitespaceTokenizer,
):
    paths = tmp_path / source_name, tmp_path / "de"
    for path, data in zip(paths, (source, target), strict=True):
        if data is not None:
            path.write_bytes(data)
    return scan_parallel_text(
        *paths,
        TextEncoder(source_tokenizer(source_vocabulary), 4),
        TextEncoder(target_tokenizer(target_vocabulary), 4),
    )


def test_counts(tmp_path):
    source = "a man sleeps\n\na man sleeps now\n \na dog\n"
    target = "ein mann schläft\nein mann\nein mann\n\nein hund schläft gerade jetzt\n"
    summary = scan(tmp_path, source.encode(), target.encode())
    assert (summary.lines, summary.empty_pairs, summary.pairs) == (5, 2, 3)
    assert summary.source.path == str(tmp_path / "en")
    # Three pairs count: 3 + 4 + 2 tokens, of which "now" and "dog" are unknown.
    assert (summary.source.tokens, summary.source.unknown_tokens) == (9, 2)
    assert summary.source.unknown_rate == pytest.approx(2 / 9)
    # With their end tokens: 4, 5 and 3 ids.
    assert (summary.source.longest, summary.source.truncated) == (5, 1)
    assert (summary.target.tokens, summary.target.unknown_tokens) == (10, 3)
    assert (summary.target.longest, summary.target.truncated) == (6, 1)
    # Cut to 4 ids: "a man sleeps", "a man sleeps now" with "ein mann", "a dog".
    assert summary.lengths == {(4, 4): 1, (4, 3): 1, (3, 4): 1}
    assert summary.source.sha256 == hashlib.sha256(source.encode()).hexdigest()


def test_the_writing_of_a_file_does_not_matter(tmp_path):
    target = b"ein mann\nein\n"
    plain = scan(tmp_path, b"a man\na\n", target)
    windows = scan(tmp_path, b"\xef\xbb\xbfa man\r\na", target)
    zipped = scan(tmp_path, gzip.compress(b"a man\na\n"), target, source_name="en.gz")
    assert plain == windows
    assert plain.source.sha256 == zipped.source.sha256


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (None, b"ein\n", "{dir}/en: no such file"),
        (b"a\n", None, "{dir}/de: no such file"),
        (b"", b"ein\n", "{dir}/en: empty file"),
        (b"a\n", b"", "{dir}/de: empty file"),
        (b"a\na\0\n", b"ein\nein\n", "{dir}/en:2: NUL byte"),
        (b"a\na\n", b"ein\nein \xe4\n", "{dir}/de:2: not UTF-8: byte 0xe4 at column 5"),
        (b"a\na\na\n", b"ein\nein\n", "{dir}/en has 3 lines, but {dir}/de has 2"),
        (b"a\n", b"ein\nein\n\n", "{dir}/en has 1 line, but {dir}/de has 3"),
        (b"a\n \n", b"\nein\n", "{dir}/en and {dir}/de have no usable pair: all 2 lines"),
    ],
)
def test_refuses(tmp_path, source, target, message):
    with pytest.raises(UserError) as error:
        scan(tmp_path, source, target)
    assert str(error.value).startswith(message.format(dir=tmp_path))


def test_refuses_a_directory(tmp_path):
    (tmp_path / "en").mkdir()
    with pytest.raises(UserError, match="is a directory"):
        scan(tmp_path, None, b"ein\n")


def test_refuses_damaged_gzip_data(tmp_path):
    with pytest.raises(UserError, match=r"en\.gz:2: damaged gzip data"):
        scan(tmp_path, gzip.compress(b"a\n")[:-3], b"ein\n", source_name="en.gz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"source_vocabulary": GERMAN},
            "en: the source vocabulary contains none of its 2 tokens; are the source and target",
        ),
        (
            {"target_vocabulary": ENGLISH},
            "de: the target vocabulary contains none of its 2 tokens; are the source and target",
        ),
        (
            {"source_vocabulary": Vocabulary("b c".split())},
            "it consists of characters: set source.tokenizer=characters",
        ),
        (
            {"target_tokenizer": CharacterTokenizer},
            "it consists of words: set target.tokenizer=whitespace",
        ),
    ],
)
def test_refuses_a_vocabulary_of_something_else(tmp_path, options, message):
    with pytest.raises(UserError) as error:
        scan(tmp_path, b"man sleeps\n", "mann schläft\n".encode(), **options)
    assert message in str(error.value)
