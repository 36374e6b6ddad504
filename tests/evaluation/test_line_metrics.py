from importlib.util import find_spec

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


def score(name, hypotheses, references, **options):
    return ErrorRate(name, **options).corpus_score(hypotheses, [references]).score


def test_published_examples_of_jiwer():
    assert score("wer", ["hello duck"], ["hello world"]) == pytest.approx(50)
    assert score("cer", ["i can spell"], ["i cant spell"]) == pytest.approx(100 / 12)


def test_errors_are_added_up_over_lines():
    # A deletion, an insertion and a replacement, of one, two and five words.
    hypotheses, references = ["", "b x c", "d e f g z"], ["a", "b c", "d e f g h"]
    assert score("wer", hypotheses, references) == pytest.approx(100 * 3 / 8)


def test_may_exceed_a_hundred():
    assert score("wer", ["a b c"], ["d"]) == pytest.approx(300)


def test_runs_of_blanks_are_one_blank():
    assert score("wer", [" a  b\t"], ["a b"]) == 0
    assert score("cer", [" a \u00a0 b\t"], ["a b"]) == 0
    assert score("cer", ["ab"], ["a b"]) == pytest.approx(100 / 3)


@pytest.mark.parametrize("name", ["wer", "cer"])
def test_words_where_there_should_be_none_are_insertions(name):
    assert score(name, ["a b", "c"], ["", "c"]) == pytest.approx(200 if name == "wer" else 300)
    assert score(name, [""], [""]) == 0
    assert score(name, ["a"], [""]) == 100


def test_code_points_beyond_the_basic_plane_are_one_character():
    assert score("cer", ["👍ñ"], ["👎ñ"]) == pytest.approx(50)


def test_share_of_equal_lines():
    hypotheses, references = ["a  b ", "ab", "a b c"], ["a b", "a b", "a b c"]
    score = ExactMatch().corpus_score(hypotheses, [references]).score
    assert score == pytest.approx(100 * 2 / 3)


def test_composed_and_decomposed_letters_differ():
    assert ExactMatch().corpus_score(["\u00e4"], [["a\u0308"]]).score == 0


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


def test_bleu_by_hand():
    # 5/6 words, 3/5 pairs, 1/4 triples; none of 3 quadruples, which smoothing makes half of one.
    expected = 100 * (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** (1 / 4)
    score = make_bleu().corpus_score(["the cat is on the mat"], [["the cat sat on the mat"]])
    assert score.score == pytest.approx(expected)


def test_bleu_cuts_text_as_asked():
    hypotheses, references = ["two words, then more"], [["two words , then more"]]
    assert make_bleu("13a").corpus_score(hypotheses, references).score == pytest.approx(100)
    assert make_bleu("none").corpus_score(hypotheses, references).score < 50
    assert "tok:none" in str(_signature(make_bleu("none"), hypotheses, references))
    assert make_bleu("char").corpus_score(["日本語文字"], [["日本語文章"]]).score == pytest.approx(
        100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4)
    )


def test_bleu_of_tokenised_text_warns_of_nothing(caplog):
    make_bleu().corpus_score(["a man ."] * 200, [["a man ."] * 200])
    assert not caplog.records


@pytest.mark.skipif(find_spec("MeCab") is not None, reason="the library is there")
def test_a_tokenizer_without_its_library():
    with pytest.raises(UserError, match=r"pip install 'sacrebleu\[ja\]'"):
        make_bleu("ja-mecab")


def test_chrf_by_hand():
    # Of letters 2/2 and 2/3, of pairs 1/1 and 1/2: precision 1, recall 7/12, counted twice.
    precision, recall = 1, (2 / 3 + 1 / 2) / 2
    expected = 100 * 5 * precision * recall / (4 * precision + recall)
    assert make_chrf().corpus_score(["ab"], [["abc"]]).score == pytest.approx(expected)


def test_ter_by_hand():
    # One shift of two words and one replaced word in eight.
    score = make_ter().corpus_score(["c d a b", "x f g h"], [["a b c d", "E f g h"]])
    assert score.score == pytest.approx(100 * 2 / 8)


def _signature(metric, hypotheses, references):
    metric.corpus_score(hypotheses, references)
    return metric.get_signature()
