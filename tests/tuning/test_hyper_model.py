import json

import keras_tuner
import pytest

from keras_seq2seq.config import resolve_config
from keras_seq2seq.errors import UserError
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


def test_incompatible_options_are_errors(data_flags):
    space = parse_space({"optimizer.lr_decay_rate": {"choice": [0.5, 0.9]}})
    with pytest.raises(UserError, match="lr_decay_rate: has no effect"):
        Seq2SeqHyperModel(resolve_config(flags=data_flags), space)
