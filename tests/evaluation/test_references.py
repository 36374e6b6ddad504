import jiwer
import numpy as np
import pytest
import sacrebleu

from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import (
    combine_references,
    evaluate,
    evaluate_systems,
    group_by_source,
)
from keras_seq2seq.evaluation.references import reference_streams

HYPOTHESES = ["the cat sat on a mat", "there are dogs here", "a b c d", "no"]
REFERENCES = [
    ["the cat sat on the mat", "a cat was sitting on a mat"],
    ["dogs are here", "there are some dogs here today", "there are dogs"],
    ["a b c d e"],
    ["yes", "no"],
]


def value(metric, hypotheses, references, **options):
    return evaluate(hypotheses, references, metric, **options)[metric].value


@pytest.mark.parametrize("metric", ["bleu", "chrf", "ter"])
def test_scores_of_several_references_equal_those_of_sacrebleu(metric):
    streams = [
        ["the cat sat on the mat", "dogs are here", "a b c d e", "yes"],
        ["a cat was sitting on a mat", "there are some dogs here today", None, "no"],
        [None, "there are dogs", None, None],
    ]
    score = evaluate(HYPOTHESES, REFERENCES, metric)[metric]
    corpus_score = getattr(sacrebleu, f"corpus_{metric}")
    assert score.value == pytest.approx(corpus_score(HYPOTHESES, streams).score)
    assert score.signature.startswith("nrefs:var|")


def test_bleu_of_two_references_by_hand():
    # Unigrams 4/4, bigrams 3/3, trigrams 1/2 (b c d), 4-grams 0/1, which smoothing changes to 1/2;
    # the nearest reference has 4 words.
    expected = 100 * (1 * 1 * 1 / 2 * 1 / 2) ** (1 / 4)
    references = [["a b x y", "b c d z"]]
    assert value("bleu", ["a b c d"], references) == pytest.approx(expected)


def test_error_rates_take_the_nearest_reference():
    # 1 error in 6 words, 1 in 3, 1 in 5, 0 in 1.
    for metric in ("wer", "per"):
        assert value(metric, HYPOTHESES, REFERENCES) == pytest.approx(100 * 3 / (6 + 3 + 5 + 1))
    nearest = [
        min(line, key=lambda text: jiwer.process_characters(text, hypothesis).cer)
        for hypothesis, line in zip(HYPOTHESES, REFERENCES, strict=True)
    ]
    assert value("cer", HYPOTHESES, REFERENCES) == pytest.approx(
        100 * jiwer.cer(nearest, HYPOTHESES)
    )


def test_the_longest_of_equally_near_references_counts_whatever_their_order():
    # One deletion or one insertion.
    for line in (["a b c d", "a b"], ["a b", "a b c d"]):
        assert value("per", ["a b c"], [line]) == pytest.approx(100 / 4)


def test_the_phone_error_rate_is_that_of_jiwer():
    hypotheses = ["R IY D", "L EH D Z", "K AE T"]
    references = ["R EH D", "L EH D", "K AA R T"]
    score = evaluate(hypotheses, references, "per")["per"]
    assert score.value == pytest.approx(100 * jiwer.wer(references, hypotheses))
    assert score.signature.startswith("nrefs:1|case:mixed|tok:blanks|version:jiwer-")


def test_exact_match_and_sequence_errors_accept_any_reference():
    # Only the last line equals one of its references.
    assert value("exact_match", HYPOTHESES, REFERENCES) == 25
    assert value("sequence_error", HYPOTHESES, REFERENCES) == 75
    assert value("sequence_error", ["a  b"], [["x", "a b"]]) == 0


def test_rouge_takes_the_best_reference():
    # Twice the common words, divided by all words.
    expected = 100 * (2 * 3 / 7 + 1) / 2
    assert value("rouge_1", ["a b c", "x"], [["a y", "a b c d"], ["x"]]) == pytest.approx(expected)


def test_lines_may_have_different_numbers_of_references():
    assert value("wer", ["a", "b", "c"], ["a", ["x", "b"], ["c"]]) == 0
    with pytest.raises(UserError, match="line 2 has no reference; expected at least one"):
        evaluate(["a", "b"], ["a", []], "wer")


def test_references_become_streams():
    assert reference_streams(["a man", ["a dog", "one dog"]]) == [
        ["a man", "a dog"],
        [None, "one dog"],
    ]


def test_empty_lines_of_a_file_are_no_references():
    files = [["a", "b", ""], ["", "c", ""], ["a", "", ""]]
    assert combine_references(files) == [["a", "a"], ["b", "c"], [""]]


def test_blank_lines_of_a_file_are_no_references():
    files = [["a", "b", " "], [" ", "c", "\u3000"]]
    assert combine_references(files) == [["a"], ["b", "c"], [""]]
    grouped = group_by_source(["x", "x", "y"], ["1", " ", "\t"])
    assert grouped.references == [["1"], [""]]


def test_equal_sources_are_grouped():
    grouped = group_by_source(["x", "y", "x", "x", "z"], ["1", ["2", "3"], "1", "4", ""])
    assert grouped.references == [["1", "4"], ["2", "3"], [""]]
    # An empty line is no reference.
    grouped = group_by_source(["x", "y", "x", "x", "x"], ["1", ["2", "3"], "1", "", "4"])
    assert grouped == (["x", "y"], [["1", "4"], ["2", "3"]], [0, 1])


def test_paired_bootstrap_with_several_references():
    number = np.random.default_rng(3).integers(0, 4, 60)
    references = [[f"a {n} c", f"x {n} z w"] for n in number]
    good = [line[n % 2] if n else "no" for n, line in zip(number, references, strict=True)]
    bad = [line[0] if n > 2 else "a no c" for n, line in zip(number, references, strict=True)]
    metrics = "bleu,chrf,ter,wer,per,cer,exact_match,sequence_error,rouge_l"
    systems = {"good": good, "bad": bad}
    scores = evaluate_systems(systems, references, metrics, bootstrap_samples=100)
    for name, hypotheses in systems.items():
        alone = evaluate(hypotheses, references, metrics)
        for metric, score in scores[name].items():
            assert score.value == pytest.approx(alone[metric].value)
            assert score.signature.startswith("nrefs:2|bs:100|seed:12345|")
    assert scores["bad"]["exact_match"].p_value < 0.05
    assert scores["bad"]["sequence_error"].p_value == scores["bad"]["exact_match"].p_value
