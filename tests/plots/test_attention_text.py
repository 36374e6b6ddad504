import numpy as np
import pytest
from rich.cells import cell_len

from keras_seq2seq.plots import attention_as_text


def test_words():
    picture = attention_as_text(["der", "hund"], ["the", "dog"], [[0.9, 0.1], [0.3, 0.7]])
    assert picture.splitlines() == [
        "    d h",
        "    e u",
        "    r n",
        "      d",
        "the ██░░",
        "dog ▒▒▓▓",
    ]


def test_each_shade_from_its_weight_on():
    weights = [[0.0, 0.049, 0.05, 0.249, 0.25, 0.499, 0.5, 0.749, 0.75, 1.0]]
    picture = attention_as_text("0123456789", "x", weights)
    assert picture.splitlines() == ["  0 1 2 3 4 5 6 7 8 9", "x · · ░░░░▒▒▒▒▓▓▓▓████"]


def test_wide_characters_and_accents_stay_in_their_columns():
    # The accent of "e" is a character of its own here.
    source = ["東京", "cafe\u0301", "笑"]
    lines = attention_as_text(source, ["東京", "a"], np.eye(2, 3)).splitlines()
    assert lines == [
        "     東c 笑",
        "     京a",
        "       f",
        "       e\u0301",
        "東京 ██· ·",
        "   a · ██·",
    ]
    # Where the second column begins, in cells of the terminal.
    assert [cell_len(lines[row].partition("cafe"[row])[0]) for row in range(4)] == [7] * 4


def test_weights_must_fit_the_tokens():
    with pytest.raises(ValueError, match=r"expected the shape \(1, 2\). Received: \(2, 1\)"):
        attention_as_text(["a", "b"], ["c"], np.zeros((2, 1)))
