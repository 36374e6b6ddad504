import pytest

from keras_seq2seq.metrics.exact_match import ExactMatch


def test_share_of_equal_lines():
    hypotheses, references = ["a  b ", "ab", "a b c"], ["a b", "a b", "a b c"]
    score = ExactMatch().corpus_score(hypotheses, [references]).score
    assert score == pytest.approx(100 * 2 / 3)


def test_composed_and_decomposed_letters_differ():
    assert ExactMatch().corpus_score(["\u00e4"], [["a\u0308"]]).score == 0
