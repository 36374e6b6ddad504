import keras
import numpy as np
import pytest
from harness import numbers_of
from reference import token_losses

from keras_seq2seq.losses import MaskedCrossEntropy, resolve_loss

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 3, size=(3, 4, 7)).astype("float32")
LABELS = np.array([[5, 3, 0, 0], [1, 6, 2, 3], [3, 0, 0, 0]])


def loss_of(labels, logits, weights=None, **arguments):
    return float(numbers_of(MaskedCrossEntropy(**arguments)(labels, logits, weights)))


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


TOKEN_WEIGHTS = RNG.uniform(0, 2, size=LABELS.shape).astype("float32")
SEQUENCE_WEIGHTS = np.array([0.5, 2.0, 0.0], "float32")


def expected_loss(weights, reduction):
    """Computed token by token."""
    shifted = LOGITS - LOGITS.max(-1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    total, sum_of_weights, tokens = 0.0, 0.0, 0
    for row, time in zip(*np.nonzero(LABELS), strict=True):
        weight = (
            1.0 if weights is None else weights[row] if weights.ndim == 1 else weights[row, time]
        )
        total -= weight * log_probabilities[row, time, LABELS[row, time]]
        sum_of_weights += weight
        tokens += 1
    divisors = {"mean_with_sample_weight": sum_of_weights, "sum": 1}
    return total / divisors.get(reduction, tokens)


@pytest.mark.parametrize(
    "reduction", ["mean_with_sample_weight", "sum_over_batch_size", "mean", "sum"]
)
@pytest.mark.parametrize("weights", [None, SEQUENCE_WEIGHTS, TOKEN_WEIGHTS])
def test_weights_and_reductions_are_those_of_keras(reduction, weights):
    found = MaskedCrossEntropy(reduction=reduction)(LABELS, LOGITS, weights)
    np.testing.assert_allclose(
        float(numbers_of(found)), expected_loss(weights, reduction), rtol=1e-5
    )


def test_the_default_is_the_weighted_mean():
    found = float(numbers_of(MaskedCrossEntropy()(LABELS, LOGITS, TOKEN_WEIGHTS)))
    np.testing.assert_allclose(
        found, expected_loss(TOKEN_WEIGHTS, "mean_with_sample_weight"), rtol=1e-5
    )
    column = SEQUENCE_WEIGHTS[:, np.newaxis]
    found = float(numbers_of(MaskedCrossEntropy()(LABELS, LOGITS, column)))
    np.testing.assert_allclose(
        found, expected_loss(SEQUENCE_WEIGHTS, "mean_with_sample_weight"), rtol=1e-5
    )
    assert float(numbers_of(MaskedCrossEntropy()(LABELS, LOGITS, np.zeros(3)))) == 0


@pytest.mark.parametrize("reduction", [None, "none"])
def test_without_reduction_each_token_has_its_loss(reduction):
    found = numbers_of(MaskedCrossEntropy(reduction=reduction)(LABELS, LOGITS, SEQUENCE_WEIGHTS))
    assert found.shape == LABELS.shape
    assert (found[LABELS == 0] == 0).all()
    np.testing.assert_allclose(found.sum(), expected_loss(SEQUENCE_WEIGHTS, "sum"), rtol=1e-5)


@pytest.mark.parametrize("weight", [np.inf, np.nan])
@pytest.mark.parametrize("reduction", ["mean_with_sample_weight", "sum_over_batch_size", "sum"])
def test_padding_does_not_count_whatever_its_weight(weight, reduction):
    weights = np.where(LABELS == 0, weight, TOKEN_WEIGHTS)
    found = loss_of(LABELS, LOGITS, reduction=reduction, weights=weights)
    assert found == loss_of(LABELS, LOGITS, reduction=reduction, weights=TOKEN_WEIGHTS)
    labels = np.concatenate([LABELS, np.zeros_like(LABELS[:1])])
    logits = np.concatenate([LOGITS, LOGITS[:1]])
    by_sequence = np.append(SEQUENCE_WEIGHTS, weight)
    found = loss_of(labels, logits, reduction=reduction, weights=by_sequence)
    expected = loss_of(LABELS, LOGITS, reduction=reduction, weights=SEQUENCE_WEIGHTS)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("weights", [SEQUENCE_WEIGHTS, TOKEN_WEIGHTS])
def test_weights_may_be_the_only_item_of_a_list(weights):
    found = float(numbers_of(MaskedCrossEntropy()(LABELS, LOGITS, [weights])))
    expected = expected_loss(weights, "mean_with_sample_weight")
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # The weight of the only sequence.
    one = MaskedCrossEntropy(reduction="sum")(LABELS[:1], LOGITS[:1], [np.float32(0.5)])
    expected = 0.5 * token_losses(LABELS[:1], LOGITS[:1]).sum()
    np.testing.assert_allclose(float(numbers_of(one)), expected, rtol=1e-5)


def test_weights_of_another_shape_are_an_error():
    with pytest.raises(ValueError, match=r"`sample_weight` must be .*Received: shape \(3, 2\)"):
        MaskedCrossEntropy()(LABELS, LOGITS, np.ones((3, 2)))


def test_reduction_is_part_of_the_config():
    loss = keras.losses.deserialize(keras.losses.serialize(MaskedCrossEntropy(reduction="sum")))
    assert loss.reduction == "sum"
    # Saved by version 0.1.0.
    old = MaskedCrossEntropy.from_config({"name": "loss", "label_smoothing": 0.1})
    assert old.reduction == "mean_with_sample_weight"


@pytest.mark.parametrize("name", ["crossentropy", "ce", "sparse_categorical_crossentropy"])
def test_cross_entropies_by_name_are_computed_from_logits(name):
    loss = resolve_loss(name)
    assert isinstance(loss, keras.losses.SparseCategoricalCrossentropy) and loss.from_logits


def test_the_default_loss_is_the_masked_cross_entropy():
    assert isinstance(resolve_loss(None), MaskedCrossEntropy)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("mse", "labels are token ids"),
        ("categorical_crossentropy", "labels are token ids"),
        (keras.losses.CategoricalCrossentropy(from_logits=True), "labels are token ids"),
        (keras.losses.SparseCategoricalCrossentropy(), r"from_logits=True\)"),
        (MaskedCrossEntropy(reduction=None), "returns a scalar"),
        (["ce", "ce"], "one output"),
    ],
)
def test_losses_that_do_not_fit_are_errors_in_one_line(loss, message):
    with pytest.raises(ValueError, match=message) as error:
        resolve_loss(loss)
    assert "\n" not in str(error.value)
