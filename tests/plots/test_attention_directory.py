import os

import numpy as np
import pytest
from matplotlib.image import imread

from keras_seq2seq.errors import UserError
from keras_seq2seq.plots import AttentionDirectory


def test_a_picture_and_its_numbers(tmp_path):
    weights = np.array([[0.25, 0.5, 0.25], [0.0, 0.125, 0.875]], dtype=np.float32)
    AttentionDirectory(tmp_path).write(12, ["der", "grüne", "hund"], ["green", "東"], weights)
    assert sorted(os.listdir(tmp_path)) == ["000012.npz", "000012.png"]
    assert imread(tmp_path / "000012.png").ndim == 3
    with np.load(tmp_path / "000012.npz", allow_pickle=False) as data:
        assert sorted(data) == ["source_tokens", "target_tokens", "weights"]
        assert data["source_tokens"].tolist() == ["der", "grüne", "hund"]
        assert data["target_tokens"].tolist() == ["green", "東"]
        np.testing.assert_array_equal(data["weights"], weights)


@pytest.mark.parametrize(("source", "target"), [("", ""), ("ab", ""), ("", "ab")], ids=repr)
def test_without_tokens_there_are_numbers_only(tmp_path, source, target):
    AttentionDirectory(tmp_path).write(3, source, target, np.zeros((len(target), len(source))))
    assert os.listdir(tmp_path) == ["000003.npz"]
    with np.load(tmp_path / "000003.npz") as data:
        assert data["weights"].shape == (len(target), len(source))


def test_weights_that_do_not_fit_leave_no_file(tmp_path):
    with pytest.raises(ValueError, match="expected the shape"):
        AttentionDirectory(tmp_path).write(1, ["a"], ["b"], np.zeros((2, 1)))
    assert os.listdir(tmp_path) == []


def test_a_directory_with_files_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match="expected a new or an empty directory"):
        AttentionDirectory(tmp_path)
