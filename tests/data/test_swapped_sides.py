import random

import pytest

from keras_seq2seq import (
    ByteTokenizer,
    SentencePieceTokenizer,
    Vocabulary,
    WhitespaceTokenizer,
    prepare_records,
)
from keras_seq2seq.data import RecordPairs
from keras_seq2seq.data.pairs import as_pairs
from keras_seq2seq.data.swapped_sides import are_swapped, are_tokenizers_swapped

ENGLISH = "the man and a dog run with their children over this green field near the house".split()
GERMAN = "der mann und ein hund rennen mit ihren kindern über diese grüne wiese beim haus".split()


def draw(words, number, seed):
    random_ = random.Random(seed)
    return [" ".join(random_.choices(words, k=8)) for _ in range(number)]


def make_pairs(words, number, seed):
    return list(zip(*(draw(side, number, seed + i) for i, side in enumerate(words)), strict=True))


@pytest.mark.parametrize("number", [3, 100])
@pytest.mark.parametrize(
    ("words", "differ"),
    [
        ((ENGLISH, GERMAN), True),
        # As in paraphrasing, both sides have the same words.
        ((ENGLISH, ENGLISH), False),
        ((["HELLO", "WORLD"], ["HH", "AH", "L", "OW"]), True),
        ((["1", "2"], ["1", "2"]), False),
    ],
)
def test_only_swapped_sides_are_found(words, differ, number):
    train, dev = make_pairs(words, 200, 1), make_pairs(words, number, 5)
    assert not are_swapped(train, dev)
    assert are_swapped(train, [pair[::-1] for pair in dev]) == differ
    # Other text on one side only.
    assert not are_swapped(train, [(target, target) for _, target in dev])


def test_text_of_other_languages_is_not_swapped():
    train = make_pairs((ENGLISH, GERMAN), 200, 1)
    assert not are_swapped(train, [("привет мир", "日本語")] * 50)
    assert not are_swapped(train, [])


@pytest.mark.filterwarnings("ignore:size .* is too large")
@pytest.mark.parametrize("build", [SentencePieceTokenizer.build, WhitespaceTokenizer.build])
def test_swapped_tokenizers(build):
    pairs = make_pairs((ENGLISH, GERMAN), 100, 1)
    source, target = (build(list(side), 290) for side in zip(*pairs, strict=True))
    assert not are_tokenizers_swapped(pairs, source, target)
    assert are_tokenizers_swapped(pairs, target, source)
    assert not are_tokenizers_swapped(pairs, source, source)


def test_the_first_pairs_of_records_are_those_of_the_text(tmp_path):
    rows = [("a b", "ein"), ("", "zwei"), ("b x a", "drei vier"), ("a", "ä")]
    source = WhitespaceTokenizer(Vocabulary(["a", "b"]))
    prepare_records(rows, None, source, ByteTokenizer(), tmp_path / "p")
    # "x" is unknown.
    expected = [("a b", "ein"), ("b a", "drei vier"), ("a", "ä")]
    records = RecordPairs([tmp_path / "p"])
    assert records.first(5) == expected
    assert records.first(2) == expected[:2]
    assert as_pairs(rows, None).first(2) == [rows[0], rows[2]]
