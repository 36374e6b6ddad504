import pytest

from keras_seq2seq import CharacterTokenizer, WhitespaceTokenizer, make_dataset
from keras_seq2seq.data import scan_parallel_text
from keras_seq2seq.data.filters import (
    Duplicates,
    FilteredPairs,
    Identical,
    LengthRatio,
    SharedText,
    TooLong,
    WrongScript,
)
from keras_seq2seq.data.pairs import as_pairs
from keras_seq2seq.errors import InputError

PAIRS = [
    ("a b", "x y"),
    ("a  b", " x y"),  # the same text
    ("", "x"),
    ("c c", "c  c"),
    ("a", "x x x x"),
    ("a c", "x"),
    ("a b c d", "x y"),
]


def kept(filters, pairs=PAIRS):
    return list(FilteredPairs(as_pairs(pairs, None), filters))


@pytest.mark.parametrize(
    ("item", "left_out"),
    [
        (Duplicates(), [1]),
        (Identical(), [3]),
        # "a" has 1 character, "x x x x" has 7.
        (LengthRatio(6.9), [4]),
        (LengthRatio(7), []),
        (SharedText({"a c"}, {"x y"}), [0, 1, 5, 6]),
    ],
)
def test_left_out_pairs(item, left_out):
    expected = [pair for index, pair in enumerate(PAIRS) if index not in left_out]
    assert kept([item]) == expected
    assert kept([item]) == expected  # nothing is remembered from the first pass


def test_places_are_those_in_the_whole_text():
    pairs = FilteredPairs(as_pairs(PAIRS, None), [Duplicates(), Identical()])
    places = [place for place, _, _ in pairs.located()]
    assert places == [f"line {number}" for number in (1, 3, 5, 6, 7)]
    assert [(source, target) for _, source, target in pairs.located()] == list(pairs)
    assert [number for number, _, _ in pairs.numbered()] == [1, 3, 5, 6, 7]


def test_pairs_that_would_be_truncated():
    tokenizers = WhitespaceTokenizer(), WhitespaceTokenizer()
    pairs = [("a b c", "x"), ("a", "x y x y"), ("a b c d", "x")]
    # The end token counts too.
    assert kept([TooLong(tokenizers, (4, 4))], pairs) == pairs[:1]
    assert kept([TooLong(tokenizers, (4, 5))], pairs) == pairs[:2]


def test_spaces_that_are_tokens_make_a_pair_longer():
    tokenizers = CharacterTokenizer(), CharacterTokenizer()
    pairs = [("a b", "x"), ("a  b", "x"), (" a b ", "x")]
    # As training does, without spaces at the ends.
    assert kept([TooLong(tokenizers, (4, 4))], pairs) == [pairs[0], pairs[2]]


def test_scripts():
    pairs = [
        ("Hello", "Привет"),
        ("Привет", "Привет"),
        ("Hello", "OK"),
        ("12:30", "12:30"),
        ("Hello", "да ok"),  # half of the letters
        ("Hello", "да oks"),
        ("こんにちは漢字", "漢字"),
    ]
    assert kept([WrongScript("latin", "cyrillic")], pairs) == [pairs[0], pairs[3], pairs[4]]
    assert kept([WrongScript("japanese", None)], pairs) == [pairs[3], pairs[6]]


def test_both_views_have_the_same_pairs_and_their_line_numbers(tmp_path):
    lines = [f"{index % 7} {'a ' * (index % 3)}" for index in range(5000)]
    (tmp_path / "a").write_text("".join(f"{line}\n" for line in lines))
    pairs = FilteredPairs(
        FilteredPairs(as_pairs(tmp_path / "a", tmp_path / "a"), [Duplicates()]),
        [SharedText({"3"}, set())],
    )
    expected = list(dict.fromkeys(line for line in map(str.rstrip, lines) if line != "3"))
    found = [
        (source.decode().rstrip(), int(number))
        for source, _, number in pairs.numbered_dataset().as_numpy_iterator()
    ]
    assert [line for line, _ in found] == expected
    stripped = list(map(str.rstrip, lines))
    assert found == [(line, stripped.index(line) + 1) for line in expected]
    assert [source.rstrip() for source, _ in pairs] == expected
    # Only the last filter counts what it left out itself.
    assert pairs.dropped == {"text in common with the dev data": 1}


def test_summary_counts_what_was_left_out():
    tokenizer = WhitespaceTokenizer.build(["a b c d x y"])
    pairs = FilteredPairs(as_pairs(PAIRS, None), [Identical(), Duplicates()])
    summary = scan_parallel_text(pairs, None, tokenizer, tokenizer)
    assert summary.dropped == {"duplicate": 1, "identical sides": 1}
    assert (summary.pairs, summary.empty_pairs) == (4, 1)
    batches = list(make_dataset(pairs, None, tokenizer, tokenizer, line_numbers=True))
    assert batches[0][2].numpy().tolist() == [1, 5, 6, 7]


def test_numbers_of_lines_in_errors_are_those_of_the_files(tmp_path):
    (tmp_path / "a").write_text("a\na\na\n")
    (tmp_path / "b").write_text("b\nb\n")
    pairs = FilteredPairs(as_pairs(tmp_path / "a", tmp_path / "b"), [Duplicates()])
    with pytest.raises(InputError, match="a has 3 lines, but .*b has 2"):
        list(pairs)


def test_nothing_left():
    with pytest.raises(InputError, match=r"no pair that the filters keep \(identical sides: 2\)"):
        kept([Identical()], [("a", "a"), ("b", "b")])


def test_nothing_left_but_empty_lines():
    with pytest.raises(InputError, match=r"no pair that the filters keep \(identical sides: 2\)"):
        kept([Identical()], [("a", "a"), ("", ""), ("b", "b"), ("c", " ")])
