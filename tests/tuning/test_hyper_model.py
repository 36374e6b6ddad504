import json

import keras
import keras_tuner
import numpy as np
import pytest

from keras_seq2seq.config import resolve_config
from keras_seq2seq.errors import UserError
from keras_seq2seq.training import plan_training
from keras_seq2seq.tuning import Seq2SeqHyperModel, parse_space

HPARAMS = "rnn_cell.num_units=8, embedding.dim=8, attention.dim=8"


def test_keras_tuners_own_tuners_search_batch_sizes_and_buckets(data_flags, tmp_path):
    space = parse_space({"batch_size": {"choice": [8, 16]}, "buckets": {"choice": [[3], [2, 4]]}})
    config = resolve_config(flags=data_flags, hparams=HPARAMS)
    hyper_model = Seq2SeqHyperModel(config, space)
    tuner = keras_tuner.RandomSearch(
        hyper_model,
        keras_tuner.Objective("val_perplexity", "min"),
        max_trials=2,
        seed=3,
        directory=tmp_path,
        project_name="search",
    )
    tuner.search(epochs=2, verbose=0)
    best = hyper_model.config_for(tuner.get_best_hyperparameters()[0])
    assert best.batch_size in (8, 16) and best.buckets in ((3,), (2, 4))
    assert best.hparams.rnn_cell.num_units == 8
    for path in (tmp_path / "search").glob("trial_*/trial.json"):
        trial = json.loads(path.read_text())
        assert trial["status"] == "COMPLETED"
        assert trial["score"] > 1


RATES = {"optimizer.learning_rate": {"log": [1e-3, 1e-2]}}


class RecordRates(keras.callbacks.Callback):
    """Records the learning rate after each epoch, of all copies of the callback."""

    rates = []

    def __deepcopy__(self, memo):
        return RecordRates()

    def on_epoch_end(self, epoch, logs=None):
        self.rates.append((epoch, float(self.model.optimizer.learning_rate)))


def test_the_learning_rate_decays_until_the_last_epoch(data_flags):
    hparams = f"{HPARAMS}, optimizer.lr_warmup_steps=4, optimizer.learning_rate=0.01"
    config = resolve_config(flags={**data_flags, "batch_size": 16}, hparams=hparams)
    space = parse_space({"rnn_cell.num_layers": {"range": [1, 2]}})
    hyper_model = Seq2SeqHyperModel(config, space)
    hp = keras_tuner.HyperParameters()
    hyper_model.declare_hyperparameters(hp)
    model = hyper_model.build(hp)
    hyper_model.build(hp)
    losses, rates = [], []
    record_rate = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: rates.append(float(model.optimizer.learning_rate))
    )
    for initial_epoch, epochs in ((0, 2), (2, 4)):
        history = hyper_model.fit(
            hp,
            model,
            epochs=epochs,
            initial_epoch=initial_epoch,
            callbacks=[record_rate],
            verbose=0,
        )
        losses += history.history["val_loss"]
        rates.append(float(model.optimizer.learning_rate))
    assert len(set(losses)) == 4
    # An epoch has 3 steps, and the warm-up 4.
    np.testing.assert_allclose(rates, [0.0025, 0.01, 0.0, 0.0085, 0.0031, 0.0], atol=1e-4)


def test_hyperband_continues_the_decay_of_the_learning_rate(data_flags, tmp_path):
    hyper_model = Seq2SeqHyperModel(
        resolve_config(flags=data_flags, hparams=HPARAMS), parse_space(RATES)
    )
    tuner = keras_tuner.Hyperband(
        hyper_model,
        keras_tuner.Objective("val_perplexity", "min"),
        max_epochs=3,
        directory=tmp_path,
        project_name="search",
    )
    RecordRates.rates.clear()
    tuner.search(verbose=0, callbacks=[RecordRates()])
    ends = [rate < 1e-10 for epoch, rate in RecordRates.rates if epoch == 2]
    middles = [rate > 1e-5 for epoch, rate in RecordRates.rates if epoch == 1]
    assert all(ends) and all(middles) and len(ends) == len(middles) > 0


def test_executions_of_a_trial_differ_and_read_the_text_once(data_flags, tmp_path, monkeypatch):
    plans = []
    monkeypatch.setattr(
        "keras_seq2seq.tuning.hyper_model.plan_training",
        lambda *args: plans.append(plan_training(*args)) or plans[-1],
    )
    hyper_model = Seq2SeqHyperModel(
        resolve_config(flags=data_flags, hparams=HPARAMS), parse_space(RATES)
    )
    results = []
    fit = hyper_model.fit
    hyper_model.fit = lambda *args, **kwargs: results.append(fit(*args, **kwargs)) or results[-1]
    tuner = keras_tuner.RandomSearch(
        hyper_model,
        keras_tuner.Objective("val_perplexity", "min"),
        max_trials=1,
        executions_per_trial=2,
        directory=tmp_path,
        project_name="search",
    )
    plans.clear()  # KerasTuner has built a model with default values.
    tuner.search(epochs=1, verbose=0)
    one, other = (result.history["val_perplexity"] for result in results)
    assert one != other
    assert len(plans) == 1


def test_incompatible_options_are_errors(data_flags):
    space = parse_space({"optimizer.lr_decay_rate": {"choice": [0.5, 0.9]}})
    with pytest.raises(UserError, match="lr_decay_rate: has no effect"):
        Seq2SeqHyperModel(resolve_config(flags=data_flags), space)
