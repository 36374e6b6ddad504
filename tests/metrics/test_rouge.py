import pytest

from keras_seq2seq.metrics.rouge import Rouge

# The example of rouge-score's README.
TARGET = "The quick brown fox jumps over the lazy dog"
PREDICTION = "The quick brown dog jumps on the log."


@pytest.mark.parametrize(
    ("name", "score"),
    [
        # Twice the shared ones, over all of both sides.
        ("rouge_1", 100 * 2 * 6 / (9 + 8)),
        ("rouge_2", 100 * 2 * 2 / (8 + 7)),
        ("rouge_l", 100 * 2 * 5 / (9 + 8)),
    ],
)
def test_published_example(name, score):
    assert Rouge(name).corpus_score([PREDICTION], [[TARGET]]).score == pytest.approx(score)


def test_mean_over_lines():
    score = Rouge("rouge_1").corpus_score(["a b", "x y", ""], [["a b", "x z", "c"]]).score
    assert score == pytest.approx(100 * (1 + 1 / 2 + 0) / 3)


def test_letters_of_every_script_count():
    score = Rouge("rouge_1").corpus_score(["мама мыла раму"], [["мама била раму"]]).score
    assert score == pytest.approx(100 * 2 / 3)


def test_signature():
    metric = Rouge("rouge_2")
    metric.corpus_score(["a"], [["a"]])
    assert str(metric.get_signature()).startswith(
        "nrefs:1|case:mixed|tok:blanks|version:rouge-score-"
    )
