import warnings

import pytest

from keras_seq2seq.plots import labels
from keras_seq2seq.plots.labels import choose_fonts, make_labels, shorten

# No script has it, and none will.
NONCHARACTER, ANOTHER = "\ufdd0", "\ufdd1"


def test_the_own_font_of_matplotlib_is_enough_for_most():
    assert choose_fonts(["grün", "Москва", "a b"]) == (["DejaVu Sans"], set())


def test_what_no_font_has_is_told():
    families, missing = choose_fonts(["a", f"b{NONCHARACTER}"])
    assert families[0] == "DejaVu Sans"
    assert missing == {NONCHARACTER}


# No script has them, and none will.


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    monkeypatch.setattr(labels, "_told", set())


def test_words_stay_as_they_are():
    assert make_labels(["grün", "$", "Москва"]) == (["grün", "$", "Москва"], ["DejaVu Sans"])


@pytest.mark.parametrize(
    ("token", "short"),
    [("123456789", "123456789"), ("1234567890", "1234…7890"), ("12345678901", "1234…8901")],
)
def test_long_tokens_lose_their_middle(token, short):
    assert shorten(token, longest=9) == short


def test_control_characters_are_numbers():
    assert make_labels(["a\tb", "\u2028"])[0] == ["aU+0009b", "U+2028"]


def test_what_no_font_has_is_a_number_and_told_once():
    with pytest.warns(UserWarning, match=r"no installed font has \(U\+FDD0\): pictures"):
        made, _ = make_labels([f"b{NONCHARACTER}c", NONCHARACTER * 3])
    assert made == ["bU+FDD0c", "U+FDD0…"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_labels([NONCHARACTER])
    with pytest.warns(UserWarning, match=r"\(U\+FDD0\) and 1 more"):
        make_labels([NONCHARACTER, ANOTHER])


def test_joined_characters_are_one_number():
    assert make_labels([f"{NONCHARACTER}\u200d{ANOTHER}\ufe0f!"])[0] == ["U+FDD0…!"]
