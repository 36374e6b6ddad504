from datetime import date

import pytest

from keras_seq2seq.data.corpora import CORPORA, write_corpus
from keras_seq2seq.errors import UserError
from keras_seq2seq.text.tokenizers import CharacterTokenizer
from keras_seq2seq.text.vocabulary import Vocabulary

SMALL = {"train": 200, "dev": 30, "test": 30}
FILES = {
    "train/sources.txt",
    "train/targets.txt",
    "dev/sources.txt",
    "dev/targets.txt",
    "test/sources.txt",
    "test/targets.txt",
    "vocab.sources.txt",
    "vocab.targets.txt",
}


def read(path):
    return path.read_text(encoding="utf-8").splitlines()


def read_pairs(directory):
    return list(zip(read(directory / "sources.txt"), read(directory / "targets.txt"), strict=True))


def contents(directory):
    return {name: (directory / name).read_bytes() for name in FILES}


@pytest.mark.parametrize("name", CORPORA)
def test_writes_all_files_and_no_other(tmp_path, name):
    paths = write_corpus(name, tmp_path / "new" / "corpus", **SMALL)
    written = {p for p in (tmp_path / "new" / "corpus").rglob("*") if p.is_file()}
    assert written == set(paths) == {tmp_path / "new" / "corpus" / name for name in FILES}
    for split, size in SMALL.items():
        assert len(read_pairs(tmp_path / "new" / "corpus" / split)) == size


def test_default_sizes(tmp_path):
    write_corpus("copy", tmp_path)
    assert [len(read_pairs(tmp_path / s)) for s in ("train", "dev", "test")] == [10_000, 1000, 1000]


@pytest.mark.parametrize(
    ("name", "rule"), [("copy", lambda symbols: symbols), ("reverse", lambda s: s[::-1])]
)
def test_toys(tmp_path, name, rule):
    write_corpus(name, tmp_path, train=2000, dev=30, test=30)
    symbols = set(Vocabulary.load(tmp_path / "vocab.sources.txt").tokens)
    assert symbols == {*map(str, range(19)), "笑"}
    assert read(tmp_path / "vocab.targets.txt") == read(tmp_path / "vocab.sources.txt")
    pairs = [(s.split(), t.split()) for s, t in read_pairs(tmp_path / "train")]
    assert all(target == rule(source) for source, target in pairs)
    assert {len(source) for source, _ in pairs} == set(range(1, 21))
    assert {symbol for source, _ in pairs for symbol in source} == symbols


def test_toy_options(tmp_path):
    write_corpus("copy", tmp_path, **SMALL, vocabulary_size=3, max_length=5)
    assert read(tmp_path / "vocab.sources.txt") == ["0", "1", "笑"]
    assert max(len(source.split()) for source, _ in read_pairs(tmp_path / "train")) == 5


def test_dates(tmp_path):
    write_corpus("dates", tmp_path, **SMALL)
    split = CharacterTokenizer().split
    source_vocabulary = Vocabulary.load(tmp_path / "vocab.sources.txt")
    target_vocabulary = Vocabulary.load(tmp_path / "vocab.targets.txt")
    days = {}
    for part in SMALL:
        pairs = read_pairs(tmp_path / part)
        assert all(token in source_vocabulary for source, _ in pairs for token in split(source))
        assert all(token in target_vocabulary for _, target in pairs for token in split(target))
        days[part] = {date.fromisoformat(target) for _, target in pairs}
    assert not days["train"] & days["dev"]
    assert not days["train"] & days["test"]
    assert not days["dev"] & days["test"]


@pytest.mark.parametrize("name", CORPORA)
def test_dev_and_test_sources_are_new(tmp_path, name):
    write_corpus(name, tmp_path, train=2000, dev=200, test=200)
    train, dev, test = (read(tmp_path / s / "sources.txt") for s in ("train", "dev", "test"))
    assert len({*dev, *test} - set(train)) == 400


def test_a_tiny_toy_repeats_itself_rather_than_never_end(tmp_path):
    write_corpus("copy", tmp_path, **SMALL, vocabulary_size=2, max_length=1)
    assert len(read_pairs(tmp_path / "test")) == 30


@pytest.mark.parametrize("name", CORPORA)
def test_depends_on_the_seed_only(tmp_path, name):
    for directory, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_corpus(name, tmp_path / directory, **SMALL, seed=seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert read_pairs(tmp_path / "a" / "test") != read_pairs(tmp_path / "c" / "test")


def test_more_training_data_keeps_the_test_set(tmp_path):
    write_corpus("dates", tmp_path / "a", train=10, dev=30, test=30)
    write_corpus("dates", tmp_path / "b", train=500, dev=30, test=30)
    assert read_pairs(tmp_path / "a" / "test") == read_pairs(tmp_path / "b" / "test")


def test_overwrites_only_when_asked(tmp_path):
    write_corpus("copy", tmp_path, **SMALL)
    (tmp_path / "train" / "sources.txt").unlink()
    before = (tmp_path / "vocab.sources.txt").read_bytes()
    with pytest.raises(UserError, match=r"targets\.txt already exists"):
        write_corpus("dates", tmp_path, **SMALL)
    assert not (tmp_path / "train" / "sources.txt").exists()
    assert (tmp_path / "vocab.sources.txt").read_bytes() == before
    write_corpus("dates", tmp_path, **SMALL, overwrite=True)
    assert (tmp_path / "vocab.sources.txt").read_bytes() != before


def test_a_directory_that_cannot_be_examined_is_named(tmp_path):
    with pytest.raises(UserError, match=r"sources\.txt: cannot be opened \(File name too long\)"):
        write_corpus("copy", tmp_path / ("d" * 300), **SMALL)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("revers", {}, "unknown corpus 'revers'; choose from copy, reverse, dates"),
        ("copy", {"train": 0}, "number of train pairs is 0"),
        ("copy", {"vocabulary_size": 1}, "vocabulary size is 1; expected at least 2"),
        ("copy", {"max_length": 0}, "maximum length is 0; expected at least 1"),
        ("dates", {"max_length": 10}, "the dates corpus has no vocabulary size"),
    ],
)
def test_refuses_and_writes_nothing(tmp_path, name, options, message):
    with pytest.raises(UserError, match=message):
        write_corpus(name, tmp_path / "corpus", **options)
    assert not (tmp_path / "corpus").exists()


def test_refuses_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be created"):
        write_corpus("copy", tmp_path / "file" / "corpus")
