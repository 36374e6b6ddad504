import pytest

from keras_seq2seq import callbacks


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("EarlyStopping", callbacks.StopWithoutImprovement),
        ("KeepOwnWeights", callbacks.RestoreRawWeights),
        ("TensorBoard", callbacks.TensorBoardCurves),
    ],
)
def test_old_names_are_deprecated(old, new):
    with pytest.warns(DeprecationWarning, match=f"{old} is deprecated; use {new.__name__}"):
        assert getattr(callbacks, old) is new


def test_unknown_names_are_errors():
    assert not hasattr(callbacks, "Missing")
