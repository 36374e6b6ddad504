import keras
import numpy as np
import pytest
from harness import numbers_of
from reference import token_losses

from keras_seq2seq.losses import MaskedCrossEntropy

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 3, size=(3, 4, 7)).astype("float32")
LABELS = np.array([[5, 3, 0, 0], [1, 6, 2, 3], [3, 0, 0, 0]])


def loss_of(labels, logits, **arguments):
    return float(numbers_of(MaskedCrossEntropy(**arguments)(labels, logits)))


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.9])
def test_agrees_with_the_reference(label_smoothing):
    expected = token_losses(LABELS, LOGITS, label_smoothing)
    assert len(expected) == 7
    found = loss_of(LABELS, LOGITS, label_smoothing=label_smoothing)
    np.testing.assert_allclose(found, expected.mean(), atol=1e-5)


def test_hand_computed():
    logits = np.log([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8], [0.9, 0.1, 0.0001]]])
    labels = np.array([[1, 2, 0]])
    # The mean of ln 4 and ln 1.25, as the last position is padding.
    np.testing.assert_allclose(loss_of(labels, logits), np.log(5) / 2, rtol=1e-6)
    # A target of 1/2 + 1/6 for the label and 1/6 for the other two.
    first = np.log(4) * 5 / 6 + np.log(2) / 6
    second = np.log(1.25) * 4 / 6 + np.log(10) / 3
    found = loss_of(labels, logits, label_smoothing=0.5)
    np.testing.assert_allclose(found, (first + second) / 2, rtol=1e-6)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_padding_changes_nothing(label_smoothing):
    padding = np.full((3, 5, 7), 1e4, "float32")
    logits = np.concatenate([LOGITS, padding], axis=1)
    labels = np.pad(LABELS, ((0, 0), (0, 5)))
    found = loss_of(labels, logits, label_smoothing=label_smoothing)
    expected = loss_of(LABELS, LOGITS, label_smoothing=label_smoothing)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_only_padding_has_zero_loss():
    assert loss_of(np.zeros((2, 3), int), LOGITS[:2, :3]) == 0


def test_large_logits_are_stable():
    logits = np.array([[[-1e5, 0.0, 1e5]]])
    np.testing.assert_allclose(loss_of(np.array([[1]]), logits), 1e5, rtol=1e-6)


def test_config_round_trip():
    loss = MaskedCrossEntropy(label_smoothing=0.2)
    config = keras.losses.serialize(loss)
    twin = keras.losses.deserialize(config)
    assert isinstance(twin, MaskedCrossEntropy)
    assert (twin.label_smoothing, twin.name) == (0.2, "loss")


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.0])
def test_smoothing_must_be_in_range(label_smoothing):
    with pytest.raises(ValueError) as error:
        MaskedCrossEntropy(label_smoothing)
    assert str(error.value) == (
        "`label_smoothing` must be at least 0 and below 1. "
        f"Received: label_smoothing={label_smoothing}"
    )
