import pytest

from keras_seq2seq.metrics.error_rate import ErrorRate


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
