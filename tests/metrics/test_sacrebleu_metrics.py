from importlib.util import find_spec

import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.metrics.sacrebleu_metrics import make_bleu, make_chrf, make_ter


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
