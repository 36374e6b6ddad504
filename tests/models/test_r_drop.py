"""R-Drop: two passes over each sequence in training, and the divergence between them."""

import keras
import numpy as np
import pytest
from harness import numbers_of, padded_ids

from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.models import AttentionSeq2Seq

BATCH = {
    "source_ids": padded_ids([4, 1, 3, 5, 2], 9, seed=1),
    "target_ids": padded_ids([3, 6, 1, 2, 4], 9, seed=2),
}
LABELS = padded_ids([3, 6, 1, 2, 4], 9, seed=3)


def train(r_drop, dropout=0.0, epochs=1, loss=None, **options):
    keras.utils.set_random_seed(0)
    model = AttentionSeq2Seq(9, 9, num_units=8, cell="GRUCell", dropout=dropout)
    model.r_drop = r_drop
    model.compile(keras.optimizers.SGD(0.5), loss=loss or MaskedCrossEntropy(0.1), **options)
    history = model.fit(BATCH, LABELS, epochs=epochs, batch_size=5, verbose=0, shuffle=False)
    return model, {name: values[-1] for name, values in history.history.items()}


def test_without_dropout_nothing_changes():
    # Both passes are equal, so that their divergence is 0.
    (one, logs), (other, r_drop_logs) = (train(rate, run_eagerly=True) for rate in (0.0, 5.0))
    for weight, other_weight in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(numbers_of(weight), numbers_of(other_weight), atol=1e-5)
    assert r_drop_logs == pytest.approx(logs, rel=1e-4)


@pytest.mark.parametrize("eagerly", [False, True])
def test_the_loss_includes_the_divergence(eagerly):
    # Of the same two passes: the draws of dropout depend on the seed alone.
    losses = [
        train(r_drop, dropout=0.5, run_eagerly=eagerly)[1]["loss"] for r_drop in (1e-6, 1.0, 3.0)
    ]
    divergence = losses[1] - losses[0]
    assert divergence > 0.001
    assert losses[2] - losses[0] == pytest.approx(3 * divergence, rel=1e-3)


def test_batches_without_sample_weights():
    model, _ = train(1.0, dropout=0.3)
    assert np.isfinite(model.train_on_batch(BATCH, LABELS)).all()


def test_predictions_with_dropout_become_more_alike():
    def divergence(model):
        first, second = (keras.ops.log_softmax(model(BATCH, training=True)) for _ in range(2))
        return float(
            keras.ops.mean((keras.ops.exp(first) - keras.ops.exp(second)) * (first - second))
        )

    distances = []
    for r_drop in (1e-6, 20.0):
        model, _ = train(r_drop, dropout=0.3, epochs=30)
        model.r_drop = 0.0
        distances.append(np.mean([divergence(model) for _ in range(10)]))
    assert distances[1] < distances[0] / 2


def test_metrics_count_each_sequence_once_and_weights_apply():
    model, _ = train(2.0, dropout=0.3, metrics=["accuracy"], run_eagerly=True)
    model.reset_metrics()
    model.train_on_batch(BATCH, LABELS, sample_weight=np.array([1, 0, 2, 1, 1], "float32"))
    assert int(model.perplexity.tokens) == np.count_nonzero(LABELS)


def test_other_losses_are_refused():
    with pytest.raises(ValueError, match="r_drop"):
        train(1.0, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
