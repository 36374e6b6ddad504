import subprocess
import sys

import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import (
    LOWER_IS_BETTER,
    METRIC_NAMES,
    make_metrics,
    parse_metric_names,
)


def test_names_are_normalized():
    assert parse_metric_names("chrF, ROUGE-L,chrf,") == ("chrf", "rouge_l")
    assert parse_metric_names(["wer", "bleu"]) == ("wer", "bleu")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("bleu,rougel", "unknown metric 'rougel'; did you mean 'rouge_l'?"),
        ("meteorites", "unknown metric 'meteorites'; choose from bleu, chrf, ter, "),
        (" ,", "no metric given; choose from bleu, "),
        ([], "no metric given; choose from bleu, "),
    ],
)
def test_invalid_names_are_errors(names, message):
    with pytest.raises(UserError) as error:
        parse_metric_names(names)
    assert str(error.value).startswith(message)


def test_unknown_tokenizers_are_errors():
    with pytest.raises(UserError, match="unknown tokenizer '13b'; did you mean '13a'?"):
        make_metrics("bleu", tokenize="13b")


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_every_metric_distinguishes_correct_and_wrong_lines(name):
    (metric,) = make_metrics(name).values()
    right = metric.corpus_score(["ein mann schläft heute ."], [["ein mann schläft heute ."]])
    wrong = metric.corpus_score(["xy zz"], [["ein mann schläft heute ."]])
    is_error = name in LOWER_IS_BETTER
    assert right.score == pytest.approx(0 if is_error else 100)
    # chrF finds common letters in any two lines.
    assert wrong.score > 90 if is_error else wrong.score == pytest.approx(0)


@pytest.mark.parametrize("name", METRIC_NAMES)
@pytest.mark.parametrize("lowercase", [True, False])
def test_case_is_optional_except_for_ter(name, lowercase):
    (metric,) = make_metrics(name, lowercase=lowercase).values()
    score = metric.corpus_score(["DIE ÄPFEL SIND REIF"], [["die äpfel sind reif"]]).score
    best = 0 if name in LOWER_IS_BETTER else 100
    assert (score == pytest.approx(best)) == (lowercase or name == "ter")
    case = "case:lc" if lowercase or name == "ter" else "case:mixed"
    assert case in str(metric.get_signature())


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_empty_lines_are_valid(name):
    (metric,) = make_metrics(name).values()
    score = metric.corpus_score(["", "a", ""], [["", "", "a"]]).score
    assert 0 <= score <= 200


def test_names_are_available_without_importing_libraries():
    code = (
        "import sys, keras_seq2seq.evaluation;"
        "print({'sacrebleu', 'rouge_score', 'jiwer', 'nltk', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
