import time
from importlib.util import find_spec

import numpy as np
import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation.line_metrics import (
    ErrorRate,
    ExactMatch,
    Rouge,
    make_bleu,
    make_chrf,
    make_ter,
)

# The example of rouge-score's README.
TARGET = "The quick brown fox jumps over the lazy dog"
PREDICTION = "The quick brown dog jumps on the log."


def score(name, hypotheses, references, **options):
    return ErrorRate(name, **options).corpus_score(hypotheses, [references]).score


def signature_of(metric, hypotheses, references):
    metric.corpus_score(hypotheses, references)
    return metric.get_signature()


def test_error_rates_of_published_examples():
    assert score("wer", ["hello duck"], ["hello world"]) == pytest.approx(50)
    assert score("cer", ["i can spell"], ["i cant spell"]) == pytest.approx(100 / 12)


def test_errors_are_summed_over_lines():
    # One deletion, one insertion and one substitution in eight words.
    hypotheses, references = ["", "b x c", "d e f g z"], ["a", "b c", "d e f g h"]
    assert score("wer", hypotheses, references) == pytest.approx(100 * 3 / 8)


def test_error_rates_may_exceed_100():
    assert score("wer", ["a b c"], ["d"]) == pytest.approx(300)


def test_consecutive_spaces_count_once():
    assert score("wer", [" a  b\t"], ["a b"]) == 0
    assert score("cer", [" a \u00a0 b\t"], ["a b"]) == 0
    assert score("cer", ["ab"], ["a b"]) == pytest.approx(100 / 3)


@pytest.mark.parametrize("name", ["wer", "cer"])
def test_words_without_reference_are_insertions(name):
    assert score(name, ["a b", "c"], ["", "c"]) == pytest.approx(200 if name == "wer" else 300)
    assert score(name, [""], [""]) == 0
    assert score(name, ["a"], [""]) == 100


def test_characters_beyond_the_basic_plane_count_once():
    assert score("cer", ["👍ñ"], ["👎ñ"]) == pytest.approx(50)


def test_exact_match_is_the_share_of_equal_lines():
    hypotheses, references = ["a  b ", "ab", "a b c"], ["a b", "a b", "a b c"]
    score = ExactMatch().corpus_score(hypotheses, [references]).score
    assert score == pytest.approx(100 * 2 / 3)


def test_exact_match_does_not_normalize_unicode():
    assert ExactMatch().corpus_score(["\u00e4"], [["a\u0308"]]).score == 0


@pytest.mark.parametrize(
    ("name", "score"),
    [
        # Twice the number of common n-grams, divided by the number of all n-grams.
        ("rouge_1", 100 * 2 * 6 / (9 + 8)),
        ("rouge_2", 100 * 2 * 2 / (8 + 7)),
        ("rouge_l", 100 * 2 * 5 / (9 + 8)),
    ],
)
def test_rouge_of_a_published_example(name, score):
    assert Rouge(name).corpus_score([PREDICTION], [[TARGET]]).score == pytest.approx(score)


def test_rouge_is_averaged_over_lines():
    score = Rouge("rouge_1").corpus_score(["a b", "x y", ""], [["a b", "x z", "c"]]).score
    assert score == pytest.approx(100 * (1 + 1 / 2 + 0) / 3)


def test_rouge_supports_all_scripts():
    score = Rouge("rouge_1").corpus_score(["мама мыла раму"], [["мама била раму"]]).score
    assert score == pytest.approx(100 * 2 / 3)


def test_rouge_has_a_signature():
    metric = Rouge("rouge_2")
    metric.corpus_score(["a"], [["a"]])
    assert str(metric.get_signature()).startswith(
        "nrefs:1|case:mixed|tok:blanks|version:rouge-score-"
    )


def test_bleu_by_hand():
    # 5/6 unigrams, 3/5 bigrams, 1/4 trigrams, 0/3 4-grams, which smoothing changes to 0.5/3.
    expected = 100 * (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** (1 / 4)
    score = make_bleu().corpus_score(["the cat is on the mat"], [["the cat sat on the mat"]])
    assert score.score == pytest.approx(expected)


def test_bleu_uses_the_requested_tokenizer():
    hypotheses, references = ["two words, then more"], [["two words , then more"]]
    assert make_bleu("13a").corpus_score(hypotheses, references).score == pytest.approx(100)
    assert make_bleu("none").corpus_score(hypotheses, references).score < 50
    assert "tok:none" in str(signature_of(make_bleu("none"), hypotheses, references))
    assert make_bleu("char").corpus_score(["日本語文字"], [["日本語文章"]]).score == pytest.approx(
        100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4)
    )


def test_bleu_does_not_warn_about_tokenized_text(caplog):
    make_bleu().corpus_score(["a man ."] * 200, [["a man ."] * 200])
    assert not caplog.records


@pytest.mark.skipif(find_spec("MeCab") is not None, reason="MeCab is installed")
def test_a_missing_tokenizer_library_is_an_error():
    with pytest.raises(UserError, match=r"pip install 'sacrebleu\[ja\]'"):
        make_bleu("ja-mecab")


def test_chrf_by_hand():
    # Unigrams 2/2 and 2/3, bigrams 1/1 and 1/2: precision 1, recall 7/12, which has weight 2.
    precision, recall = 1, (2 / 3 + 1 / 2) / 2
    expected = 100 * 5 * precision * recall / (4 * precision + recall)
    assert make_chrf().corpus_score(["ab"], [["abc"]]).score == pytest.approx(expected)


def test_ter_by_hand():
    # One shift of two words and one substitution in eight words.
    score = make_ter().corpus_score(["c d a b", "x f g h"], [["a b c d", "E f g h"]])
    assert score.score == pytest.approx(100 * 2 / 8)


def test_rouge_of_common_subsequences_is_that_of_rouge_score():
    random = np.random.default_rng(0)
    metric = Rouge("rouge_l")
    for length in (0, 1, 5, 30, 200):
        for _ in range(5):
            lines = [
                " ".join(map(str, random.integers(0, 12, random.integers(0, length + 1))))
                for _ in range(2)
            ]
            expected = metric._scorer.score(lines[1], lines[0])["rougeL"].fmeasure
            assert metric.count(*lines) == (expected, 1)


def test_rouge_of_a_very_long_line_takes_little_time():
    words = [str(number) for number in range(30_000)]
    begin = time.perf_counter()
    value, _ = Rouge("rouge_l").count(" ".join(words), " ".join(words[::3]))
    assert value == pytest.approx(0.5)
    assert time.perf_counter() - begin < 20
