import io

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.image import imread

from keras_seq2seq.plots import save_attention_heatmap


def darkness(path):
    """Returns how dark each pixel of a picture is, from 0 to 1."""
    return 1 - imread(path)[:, :, :3].mean(axis=-1)


def dark_blue(path):
    """Returns which pixels have the dark blue of large weights."""
    red, _, blue = np.moveaxis(imread(path)[:, :, :3], -1, 0)
    return (blue - red > 0.25) & (red < 0.2)


def centre_of_blue(path):
    """Returns where the dark blue is, in shares of the height and the width."""
    blue = dark_blue(path)
    rows, columns = np.nonzero(blue)
    return rows.mean() / blue.shape[0], columns.mean() / blue.shape[1]


@pytest.mark.parametrize(("target", "source"), [(0, 0), (0, 19), (19, 0), (10, 10)], ids=str)
def test_a_large_weight_is_dark_where_it_belongs(tmp_path, target, source):
    weights = np.zeros((20, 20))
    weights[target, source] = 1
    path = tmp_path / "attention.png"
    save_attention_heatmap(path, "a" * 20, "b" * 20, weights)
    row, column = centre_of_blue(path)
    # The labels above and on the left move the cells by some hundredths.
    assert row == pytest.approx((target + 0.5) / 20, abs=0.08)
    assert column == pytest.approx((source + 0.5) / 20, abs=0.08)


def test_shades_follow_the_weights_and_not_their_maximum(tmp_path):
    shades = []
    for weight in (0.3, 0.6, 0.9):
        path = tmp_path / "attention.png"
        save_attention_heatmap(path, " ", " ", [[weight]])
        shades.append(darkness(path).max())
    assert shades[0] < shades[1] < shades[2]


def test_long_sentences_keep_the_size_of_their_cells(tmp_path):
    sizes = {}
    for length in (10, 24):
        path = tmp_path / "attention.png"
        save_attention_heatmap(path, ["word"] * length, ["word"] * length, np.eye(length))
        sizes[length] = np.array(imread(path).shape[:2])
    # 0.3 inches at 150 dots an inch.
    np.testing.assert_allclose(sizes[24] - sizes[10], 14 * 45, atol=2)


def test_long_tokens_and_sentences_stay_in_bounds(tmp_path):
    path = tmp_path / "attention.png"
    weights = np.zeros((2, 1000))
    weights[0, 999] = 1
    save_attention_heatmap(path, ["x" * 500] * 1000, ["y" * 500] * 2, weights)
    height, width, _ = imread(path).shape
    # 200 cells are 6000 dots; labels of 24 characters and the margins come to it.
    assert 6000 < width < 8000 and height < 1200
    # What is cut is not drawn.
    assert not dark_blue(path).any()


def test_large_pictures_have_labels_on_all_sides(tmp_path):
    for length, has_labels in ((24, False), (25, True)):
        path = tmp_path / "attention.png"
        save_attention_heatmap(path, ["word"] * length, ["word"] * length, np.zeros((length,) * 2))
        dark = darkness(path) > 0.9
        # Below and on the right, away from the labels above and on the left.
        below, right = dark[-90:, 400:], dark[400:, -90:]
        assert below.any() == right.any() == has_labels


def test_an_open_file_gets_a_png():
    file = io.BytesIO()
    save_attention_heatmap(file, ["a"], ["b"], [[1.0]])
    assert file.getvalue().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "token", ["$x^2$", "$", "Москва", "مرحبا", "東京", "\U0001f600", "▁", "a\tb"]
)
def test_any_token_can_be_a_label(tmp_path, token):
    # Matplotlib warns of a character without a glyph, which is an error in the tests.
    path = tmp_path / "attention.png"
    save_attention_heatmap(path, [token, "a"], ["b"], [[0.5, 0.5]])
    assert darkness(path).max() > 0.9


def test_no_window_and_no_figure_stays_behind(tmp_path):
    save_attention_heatmap(tmp_path / "attention.png", ["a"], ["b"], [[1.0]])
    assert pyplot.get_fignums() == []


def test_weights_must_fit_the_tokens(tmp_path):
    with pytest.raises(ValueError, match=r"expected the shape \(1, 2\). Received: \(2, 1\)"):
        save_attention_heatmap(tmp_path / "a.png", ["a", "b"], ["c"], np.zeros((2, 1)))


def test_an_empty_translation_has_no_picture(tmp_path):
    with pytest.raises(ValueError, match="at least one source token and one target token"):
        save_attention_heatmap(tmp_path / "a.png", ["a"], [], np.zeros((0, 1)))
