import warnings

import pytest

from keras_seq2seq.plots import heatmap
from keras_seq2seq.plots.heatmap import choose_fonts, make_labels, shorten

# Noncharacters of Unicode, which no font supports.
NONCHARACTER, ANOTHER = "\ufdd0", "\ufdd1"


def test_the_default_font_of_matplotlib_covers_common_scripts():
    assert choose_fonts(["grün", "Москва", "a b"]) == (["DejaVu Sans"], set())


def test_unsupported_characters_are_returned():
    families, missing = choose_fonts(["a", f"b{NONCHARACTER}"])
    assert families[0] == "DejaVu Sans"
    assert missing == {NONCHARACTER}


@pytest.fixture(autouse=True)
def no_warnings_yet(monkeypatch):
    monkeypatch.setattr(heatmap, "_warned", set())


def test_ordinary_tokens_are_unchanged():
    assert make_labels(["grün", "$", "Москва"]) == (["grün", "$", "Москва"], ["DejaVu Sans"])


@pytest.mark.parametrize(
    ("token", "short"),
    [("123456789", "123456789"), ("1234567890", "1234…7890"), ("12345678901", "1234…8901")],
)
def test_long_tokens_are_abbreviated(token, short):
    assert shorten(token, max_length=9) == short


def test_control_characters_become_code_points():
    assert make_labels(["a\tb", "\u2028"])[0] == ["aU+0009b", "U+2028"]


def test_unsupported_characters_become_code_points_with_one_warning():
    with pytest.warns(UserWarning, match=r"no installed font supports \(U\+FDD0\); plots"):
        made, _ = make_labels([f"b{NONCHARACTER}c", NONCHARACTER * 3])
    assert made == ["bU+FDD0c", "U+FDD0…"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_labels([NONCHARACTER])
    with pytest.warns(UserWarning, match=r"\(U\+FDD0\) and 1 more"):
        make_labels([NONCHARACTER, ANOTHER])


def test_joined_characters_become_one_code_point():
    assert make_labels([f"{NONCHARACTER}\u200d{ANOTHER}\ufe0f!"])[0] == ["U+FDD0…!"]
