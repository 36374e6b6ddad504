import io
import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.image import imread
from rich.cells import cell_len

from keras_seq2seq.errors import UserError
from keras_seq2seq.plots import AttentionDirectory, attention_as_text, save_attention_heatmap


def test_writes_a_heatmap_and_arrays(tmp_path):
    weights = np.array([[0.25, 0.5, 0.25], [0.0, 0.125, 0.875]], dtype=np.float32)
    AttentionDirectory(tmp_path).write(12, ["der", "grüne", "hund"], ["green", "東"], weights)
    assert sorted(os.listdir(tmp_path)) == ["000012.npz", "000012.png"]
    assert imread(tmp_path / "000012.png").ndim == 3
    with np.load(tmp_path / "000012.npz", allow_pickle=False) as data:
        assert sorted(data) == ["source_tokens", "target_tokens", "weights"]
        assert data["source_tokens"].tolist() == ["der", "grüne", "hund"]
        assert data["target_tokens"].tolist() == ["green", "東"]
        np.testing.assert_array_equal(data["weights"], weights)


def test_very_long_tokens_are_cut(tmp_path):
    directory = AttentionDirectory(tmp_path)
    directory.write(1, ["a", "b" * 5000], ["c"], np.full((1, 2), 0.5))
    with np.load(tmp_path / "000001.npz") as data:
        assert data["source_tokens"].tolist() == ["a", "b" * 1000]


@pytest.mark.parametrize(("source", "target"), [("", ""), ("ab", ""), ("", "ab")], ids=repr)
def test_without_tokens_there_are_only_arrays(tmp_path, source, target):
    AttentionDirectory(tmp_path).write(3, source, target, np.zeros((len(target), len(source))))
    assert os.listdir(tmp_path) == ["000003.npz"]
    with np.load(tmp_path / "000003.npz") as data:
        assert data["weights"].shape == (len(target), len(source))


def test_weights_of_the_wrong_shape_leave_no_file(tmp_path):
    with pytest.raises(ValueError, match="expected the shape"):
        AttentionDirectory(tmp_path).write(1, ["a"], ["b"], np.zeros((2, 1)))
    assert os.listdir(tmp_path) == []


def test_a_directory_with_files_is_an_error(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match="expected a new or empty directory"):
        AttentionDirectory(tmp_path)


def test_without_matplotlib_heatmaps_are_an_error_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UserError, match="plots of attention need matplotlib: pip install"):
        AttentionDirectory(tmp_path / "attention")
    with pytest.raises(UserError, match="plots of attention need matplotlib: pip install"):
        save_attention_heatmap(tmp_path / "a.png", ["a"], ["b"], [[1.0]])
    assert os.listdir(tmp_path) == []


def test_without_rich_attention_as_text_is_an_error():
    program = (
        "import sys; sys.modules.update(rich=None, matplotlib=None)\n"
        "from keras_seq2seq.errors import UserError\n"
        "from keras_seq2seq.plots import attention_as_text\n"
        "try: attention_as_text(['a'], ['b'], [[1.0]])\n"
        "except UserError as error: print(error)"
    )
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    assert found.stdout == "attention as text needs rich: pip install rich\n"


def darkness(path):
    """Returns the darkness of each pixel, from 0 to 1."""
    return 1 - imread(path)[:, :, :3].mean(axis=-1)


def dark_blue(path):
    """Returns a mask of the pixels with the dark blue of large weights."""
    red, _, blue = np.moveaxis(imread(path)[:, :, :3], -1, 0)
    return (blue - red > 0.25) & (red < 0.2)


def center_of_blue(path):
    """Returns the center of the dark blue, relative to the height and the width."""
    blue = dark_blue(path)
    rows, columns = np.nonzero(blue)
    return rows.mean() / blue.shape[0], columns.mean() / blue.shape[1]


@pytest.mark.parametrize(("target", "source"), [(0, 0), (0, 19), (19, 0), (10, 10)], ids=str)
def test_a_large_weight_is_dark_in_its_cell(tmp_path, target, source):
    weights = np.zeros((20, 20))
    weights[target, source] = 1
    path = tmp_path / "attention.png"
    save_attention_heatmap(path, "a" * 20, "b" * 20, weights)
    row, column = center_of_blue(path)
    # The labels above and on the left shift the cells by a few percent.
    assert row == pytest.approx((target + 0.5) / 20, abs=0.08)
    assert column == pytest.approx((source + 0.5) / 20, abs=0.08)


def test_shades_are_independent_of_the_maximum_weight(tmp_path):
    shades = []
    for weight in (0.3, 0.6, 0.9):
        path = tmp_path / "attention.png"
        save_attention_heatmap(path, " ", " ", [[weight]])
        shades.append(darkness(path).max())
    assert shades[0] < shades[1] < shades[2]


def test_cells_of_long_sentences_have_the_same_size(tmp_path):
    sizes = {}
    for length in (10, 24):
        path = tmp_path / "attention.png"
        save_attention_heatmap(path, ["word"] * length, ["word"] * length, np.eye(length))
        sizes[length] = np.array(imread(path).shape[:2])
    # 0.3 inches at 150 dots per inch.
    np.testing.assert_allclose(sizes[24] - sizes[10], 14 * 45, atol=2)


def test_long_tokens_and_sentences_are_limited(tmp_path):
    path = tmp_path / "attention.png"
    weights = np.zeros((2, 1000))
    weights[0, 999] = 1
    save_attention_heatmap(path, ["x" * 500] * 1000, ["y" * 500] * 2, weights)
    height, width, _ = imread(path).shape
    # 200 cells are 6000 dots; labels of 24 characters and margins are added.
    assert 6000 < width < 8000 and height < 1200
    # Omitted tokens are not drawn.
    assert not dark_blue(path).any()


def test_large_heatmaps_have_labels_on_all_sides(tmp_path):
    for length, has_labels in ((24, False), (25, True)):
        path = tmp_path / "attention.png"
        save_attention_heatmap(path, ["word"] * length, ["word"] * length, np.zeros((length,) * 2))
        dark = darkness(path) > 0.9
        # Below and on the right, away from the labels above and on the left.
        below, right = dark[-90:, 400:], dark[400:, -90:]
        assert below.any() == right.any() == has_labels


def test_file_objects_receive_a_png():
    file = io.BytesIO()
    save_attention_heatmap(file, ["a"], ["b"], [[1.0]])
    assert file.getvalue().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "token", ["$x^2$", "$", "Москва", "مرحبا", "東京", "\U0001f600", "▁", "a\tb"]
)
def test_any_token_can_be_a_label(tmp_path, token):
    # Matplotlib warns about missing glyphs, and warnings are errors in tests.
    path = tmp_path / "attention.png"
    save_attention_heatmap(path, [token, "a"], ["b"], [[0.5, 0.5]])
    assert darkness(path).max() > 0.9


def test_pyplot_is_not_used(tmp_path):
    save_attention_heatmap(tmp_path / "attention.png", ["a"], ["b"], [[1.0]])
    assert pyplot.get_fignums() == []


def test_heatmap_weights_must_match_the_tokens(tmp_path):
    with pytest.raises(ValueError, match=r"expected the shape \(1, 2\). Received: \(2, 1\)"):
        save_attention_heatmap(tmp_path / "a.png", ["a", "b"], ["c"], np.zeros((2, 1)))


def test_an_empty_translation_has_no_heatmap(tmp_path):
    with pytest.raises(ValueError, match="at least one source token and one target token"):
        save_attention_heatmap(tmp_path / "a.png", ["a"], [], np.zeros((0, 1)))


def test_text_has_one_line_per_target_token():
    picture = attention_as_text(["der", "hund"], ["the", "dog"], [[0.9, 0.1], [0.3, 0.7]])
    assert picture.splitlines() == [
        "    d h",
        "    e u",
        "    r n",
        "      d",
        "the ██░░",
        "dog ▒▒▓▓",
    ]


def test_shades_start_at_their_weights():
    weights = [[0.0, 0.049, 0.05, 0.249, 0.25, 0.499, 0.5, 0.749, 0.75, 1.0]]
    picture = attention_as_text("0123456789", "x", weights)
    assert picture.splitlines() == ["  0 1 2 3 4 5 6 7 8 9", "x · · ░░░░▒▒▒▒▓▓▓▓████"]


def test_wide_and_combining_characters_are_aligned():
    # The accent of "e" is a separate character.
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
    # The start of the second column, in terminal cells.
    assert [cell_len(lines[row].partition("cafe"[row])[0]) for row in range(4)] == [7] * 4


def test_text_weights_must_match_the_tokens():
    with pytest.raises(ValueError, match=r"expected the shape \(1, 2\). Received: \(2, 1\)"):
        attention_as_text(["a", "b"], ["c"], np.zeros((2, 1)))
