import json
import tracemalloc

import numpy as np
import pytest

from keras_seq2seq.data import Batching, inspect_pairs, scan_parallel_text
from keras_seq2seq.data.inspection import PaddingEstimate
from keras_seq2seq.errors import UserError
from keras_seq2seq.text import CharacterTokenizer, TextEncoder, Vocabulary, WhitespaceTokenizer

SOURCES = ["a b c", "a b c", "", "x", "a q q z", "same", "d e f g h i j", "a b c"]
TARGETS = ["A B", "A B", "Q", " ", "A B C D", "same", "A", "A"]


@pytest.fixture
def report():
    return inspect_pairs(
        SOURCES,
        TARGETS,
        Vocabulary(["a", "b", "c", "d", "never"]),
        Vocabulary(["A", "B"]),
        source_max_length=5,
        target_max_length=4,
    )


def test_counts(report):
    assert (report.lines, report.pairs, report.empty_pairs) == (8, 6, 2)
    assert (report.empty_sources, report.empty_targets) == (1, 1)
    assert (report.duplicates, report.identical) == (1, 1)
    assert report.empty_places == ["line 3", "line 4"]
    assert report.identical_places == ["line 6"]


def test_lengths_include_the_end_token(report):
    assert report.source.lengths == {4: 3, 5: 1, 2: 1, 8: 1}
    assert report.source.mean_length == pytest.approx(np.mean([4, 4, 5, 2, 8, 4]))
    assert report.target.percentiles == {50: 2, 90: 5, 95: 5, 99: 5}
    assert (report.source.tokens, report.source.longest, report.target.longest) == (21, 8, 5)
    assert (report.source.truncated, report.target.truncated) == (1, 1)
    assert report.lengths == {(4, 3): 2, (5, 4): 1, (2, 2): 1, (5, 2): 1, (4, 2): 1}


def test_unknown_tokens_and_coverage(report):
    # q q z, same, e f g h i j
    assert report.source.unknown_tokens == 10
    assert report.source.frequent_unknown[0] == ("q", 2)
    assert (report.source.vocabulary_size, report.source.used, report.source.rare) == (5, 4, 4)
    assert report.target.unknown_tokens == 3


def test_without_a_vocabulary():
    report = inspect_pairs(SOURCES, TARGETS)
    assert report.source.vocabulary_size is report.source.unknown_tokens is None
    assert report.most_unknown == report.source.frequent_unknown == []


def test_worst_pairs(report):
    longest = report.longest[0]
    assert (longest.place, longest.source_length, longest.target_length) == ("line 7", 8, 2)
    assert [pair.place for pair in report.unbalanced[:2]] == ["line 7", "line 8"]
    assert [(pair.place, pair.unknown_tokens) for pair in report.most_unknown] == [
        ("line 7", 6),
        ("line 5", 5),
        ("line 6", 2),
    ]


def test_ratios_are_those_of_numpy(report):
    ratios = np.array([2 / 3, 2 / 3, 1, 1, 1 / 7, 1 / 3])
    assert report.mean_ratio == pytest.approx(ratios.mean(), abs=1e-3)
    expected = np.percentile(ratios, 50, method="inverted_cdf")
    assert report.ratio_percentiles[50] == pytest.approx(expected, abs=1e-3)


def test_duplicate_lines_of_each_side(report):
    assert (report.source.duplicates, report.target.duplicates) == (2, 2)


def test_characters():
    report = inspect_pairs(["ab я1", "e\u0301\u200b"], ["!", "é"])
    assert report.source.groups == {
        "Latin": 3,
        "spaces": 1,
        "Cyrillic": 1,
        "digits": 1,
        "combining marks": 1,
        "invisible": 1,
    }
    assert report.source.unusual == {"U+200B ZERO WIDTH SPACE": 1}
    assert (report.source.characters, report.source.not_normalized) == (8, 1)
    assert report.target.not_normalized == 0


def test_agrees_with_the_scan_before_training():
    encoders = [TextEncoder(Vocabulary(["a", "A"]), max_length=4) for _ in range(2)]
    summary = scan_parallel_text(SOURCES, TARGETS, *encoders)
    tokenizers = [encoder.tokenizer for encoder in encoders]
    report = inspect_pairs(SOURCES, TARGETS, *tokenizers, 4, 4)
    assert (report.pairs, report.lengths) == (summary.pairs, summary.lengths)
    for side in ("source", "target"):
        ours, theirs = getattr(report, side), getattr(summary, side)
        for name in ("tokens", "unknown_tokens", "truncated", "longest", "lengths"):
            assert getattr(ours, name) == getattr(theirs, name)


def test_characters_of_blank_lines_are_no_tokens():
    report = inspect_pairs([" ab ", "  "], ["c", "d"], CharacterTokenizer(), CharacterTokenizer())
    assert (report.source.lengths, report.empty_sources) == ({3: 1}, 1)


def test_padding_estimate(report):
    batching = Batching.of_pairs(((5, 4),), 1)
    estimate = PaddingEstimate.of("given", batching, report.lengths)
    assert (estimate.source, estimate.target) == (0.0, 0.0)
    assert estimate.flag() == "--buckets=5x4"


def test_the_places_of_files_and_tables(tmp_path):
    for name, text in (
        ("a.src", "x\n\n"),
        ("b.src", "y\nz\n"),
        ("a.tgt", "1\n2\n"),
        ("b.tgt", "3\n\n"),
    ):
        (tmp_path / name).write_text(text)
    report = inspect_pairs(f"{tmp_path}/*.src", f"{tmp_path}/*.tgt")
    assert report.empty_places == [f"{tmp_path}/a.src:2", f"{tmp_path}/b.src:2"]
    report = inspect_pairs(str(tmp_path / "b.src"), str(tmp_path / "b.tgt"))
    assert report.empty_places == [f"{tmp_path}/b.src:2"]
    table = tmp_path / "pairs.csv"
    table.write_text('source,target\n"a\nb",c\n,d\n')
    report = inspect_pairs(str(table), ("source", "target"))
    assert report.empty_places == [f"{table}:4"]


def test_mistakes(tmp_path):
    with pytest.raises(UserError, match="sources has 2 lines, but targets has 1"):
        inspect_pairs(["a", "b"], ["a"])
    with pytest.raises(UserError, match="no usable pair"):
        inspect_pairs(["a", ""], ["", "b"])
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("a\nb\n")
    target.write_text("a\nb\nc\n")
    with pytest.raises(UserError, match=f"{source} has 2 lines, but {target} has 3"):
        inspect_pairs(str(source), str(target))


def test_the_dictionary_is_json(report):
    values = json.loads(json.dumps(report.to_dict()))
    assert values["pairs"] == 6
    assert values["source"]["lengths"] == [[2, 1], [4, 3], [5, 1], [8, 1]]
    assert [2, 2, 1] in values["lengths"]
    assert values["longest"][0]["place"] == "line 7"


def test_memory_does_not_grow_with_the_text():
    def peak(lines: int) -> int:
        def pairs():
            for number in range(lines):
                yield f"a{number % 1000} b c {'d ' * (number % 50)}", f"x {number % 77}"

        tracemalloc.start()
        inspect_pairs(pairs, None, WhitespaceTokenizer(Vocabulary(["b"])))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    # Three hashes of 8 bytes for each pair, with room for growing and for a set of them.
    assert peak(20_000) - peak(2_000) < 18_000 * 200
