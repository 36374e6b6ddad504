"""`Evaluation` and the callbacks of Keras with plain `fit`."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from harness import padded_ids

from keras_seq2seq.callbacks import (
    Evaluation,
    ProgressBar,
    RestoreRawWeights,
    SaveCheckpoints,
    StopOnInterrupt,
    StopOnNonFiniteLoss,
    StopWithoutImprovement,
    TrackGradientNorm,
)
from keras_seq2seq.models import AttentionSeq2Seq, averaged_weights, steps_taken

LENGTHS = [4, 1, 3, 5, 2, 6, 1]
SOURCE_IDS, TARGET_IDS, LABELS = (padded_ids(LENGTHS, 9, seed=seed) for seed in (1, 2, 3))
BATCH = {"source_ids": SOURCE_IDS, "target_ids": TARGET_IDS}
DEV = tf.data.Dataset.from_tensors((BATCH, LABELS))


def fit(callbacks, epochs=2, steps_per_execution=1, **arguments):
    """Trains for seven steps per epoch, and returns the history."""
    keras.utils.set_random_seed(1)
    model = AttentionSeq2Seq(9, 9, num_units=4, cell="GRUCell")
    model.compile(
        keras.optimizers.SGD(0.1), metrics=["accuracy"], steps_per_execution=steps_per_execution
    )
    arguments = {"batch_size": 1, "shuffle": False, "verbose": 0, **arguments}
    return model.fit(BATCH, LABELS, epochs=epochs, callbacks=callbacks, **arguments).history


VALIDATIONS = {"no validation": None, "validation": (BATCH, LABELS)}


@functools.cache
def plain_history(validation):
    return fit([], validation_data=VALIDATIONS[validation])


@pytest.mark.parametrize(
    ("every_n_steps", "validation"),
    [
        (3, "no validation"),
        (3, "validation"),
        pytest.param(7, "validation", marks=pytest.mark.slow),
        pytest.param(100, "no validation", marks=pytest.mark.slow),
    ],
)
def test_history_is_complete_and_the_last_step_is_evaluated(every_n_steps, validation):
    records = []
    expected = plain_history(validation)
    evaluation = Evaluation(DEV, every_n_steps, observers=[records.append])
    found = fit([evaluation], validation_data=VALIDATIONS[validation])
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)
    steps = [*range(every_n_steps, 14, every_n_steps), 14]
    assert [record["step"] for record in records] == steps
    # Every token is reported once, across the end of an epoch too.
    assert sum(record["tokens"] for record in records) == 2 * sum(LENGTHS)
    total = sum(record["tokens"] * record["train_loss"] for record in records)
    expected_total = sum(np.log(expected["perplexity"])) * sum(LENGTHS)
    assert total == pytest.approx(expected_total, rel=1e-5)


def test_several_steps_per_execution_skip_no_evaluation():
    records, saved = [], []
    fit(
        [
            Evaluation(DEV, 5, observers=[records.append]),
            SaveCheckpoints(saved.append, every_n_steps=5, every_n_seconds=None),
        ],
        steps_per_execution=2,
    )
    # Executions end at 2, 4, 6 and 7 in each epoch.
    assert [record["step"] for record in records] == [6, 11, 14]
    assert saved == [6, 11, 14]


def test_all_callbacks_work_together_with_plain_fit():
    stopping = StopWithoutImprovement(patience=100)
    bar = ProgressBar(14)
    history = fit(
        [
            TrackGradientNorm(),
            StopOnNonFiniteLoss(),
            Evaluation(DEV, 4, observers=[stopping.observe, bar.report]),
            stopping,
            bar,
            StopOnInterrupt(),
        ]
    )
    assert len(history["loss"]) == 2
    assert stopping.best["train_gradient_norm"] > 0


def test_callbacks_of_keras_work_with_plain_fit(tmp_path):
    callbacks = keras.callbacks
    keras.utils.set_random_seed(1)
    model = AttentionSeq2Seq(9, 9, num_units=4, cell="GRUCell")
    model.compile(keras.optimizers.Adam(0.01, use_ema=True), metrics=["accuracy"])
    history = model.fit(
        BATCH, LABELS, epochs=2, verbose=0, validation_data=(BATCH, LABELS),
        callbacks=[
            callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
            callbacks.ModelCheckpoint(
                tmp_path / "best.weights.h5", monitor="val_accuracy",
                save_weights_only=True, save_best_only=True,
            ),
            callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True),
            callbacks.ReduceLROnPlateau("val_perplexity", patience=1, mode="min"),
            callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
            callbacks.TensorBoard(tmp_path / "logs"),
            callbacks.BackupAndRestore(tmp_path / "backup"),
            callbacks.CSVLogger(tmp_path / "log.csv"),
            callbacks.TerminateOnNaN(),
            callbacks.SwapEMAWeights(),
        ],
    ).history  # fmt: skip
    assert len(history["val_perplexity"]) == 2
    assert {"1.keras", "2.keras", "best.weights.h5", "log.csv"} <= {
        path.name for path in tmp_path.iterdir()
    }
    assert keras.models.load_model(tmp_path / "2.keras").compiled


def test_steps_and_averages_count_in_mixed_float16():
    model = AttentionSeq2Seq(9, 9, num_units=4, dtype="mixed_float16")
    model.compile(keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5))
    raw, averaged, evaluated = [], [], []

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert int(steps_taken(self.model.optimizer)) == batch + 1
            raw.append(self.model.get_weights()[0])
            with averaged_weights(self.model):
                averaged.append(self.model.get_weights()[0])

    callbacks = [
        Evaluation(DEV, every_n_steps=1, observers=[evaluated.append]),
        TrackGradientNorm(),
        RestoreRawWeights(),
        Record(),
    ]
    model.fit(BATCH, LABELS, batch_size=4, verbose=0, shuffle=False, callbacks=callbacks)
    assert len(evaluated) == len(raw) == 2
    # The scale of the loss is 2 ** 15.
    assert 0 < evaluated[-1]["train_gradient_norm"] < 100
    np.testing.assert_allclose(averaged[1], (averaged[0] + raw[1]) / 2, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(model.get_weights()[0], raw[1])


def test_the_interval_is_checked():
    with pytest.raises(ValueError, match="`every_n_steps` must be an integer of at least 1"):
        Evaluation(DEV, every_n_steps=0)
