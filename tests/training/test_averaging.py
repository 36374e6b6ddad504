import io
import json

import keras
import numpy as np
import pytest
from rich.console import Console

from keras_seq2seq.errors import UserError
from keras_seq2seq.files import read_lines
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.training import average_checkpoints, plan_training, train
from keras_seq2seq.translator import Translator


@pytest.fixture(scope="module")
def run(make_config, tmp_path_factory):
    """A directory of checkpoints after 2, 4 and 6 steps, and the weights of the last two."""
    path, weights = tmp_path_factory.mktemp("averaging") / "model", {}
    plan = plan_training(make_config(train_steps=6, eval_every_n_steps=2), path)
    fit = plan.model.fit

    class Recorder(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights[batch + 1] = plan.model.get_weights()

    with pytest.MonkeyPatch.context() as context:
        context.setattr(
            plan.model,
            "fit",
            lambda *args, callbacks, **kwargs: fit(
                *args, callbacks=[Recorder(), *callbacks], **kwargs
            ),
        )
        train(plan, Console(file=io.StringIO()))
    return path, weights


def weights_of(path):
    return ModelDirectory(path).load_model().get_weights()


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_the_mean_of_the_newest(run, corpus, tmp_path):
    path, weights = run
    assert average_checkpoints(path, tmp_path / "new", last=2) == [4, 6]
    assert_equal(
        weights_of(tmp_path / "new"),
        [(one + other) / 2 for one, other in zip(weights[4], weights[6], strict=True)],
    )
    assert any(np.abs(a - b).max() > 0.01 for a, b in zip(weights[4], weights[6], strict=True))
    sources = list(read_lines(corpus / "test" / "sources.txt"))
    assert len(Translator.load(tmp_path / "new")(sources)) == len(sources)


def test_the_newest_alone_is_the_model_itself(run, tmp_path):
    path, weights = run
    assert average_checkpoints(path, tmp_path / "new", last=1) == [6]
    assert_equal(weights_of(tmp_path / "new"), weights[6])


def test_moving_averages_are_averaged_where_the_run_keeps_them(make_config, tmp_path):
    hparams = "optimizer.ema_momentum=0.8, optimizer.gradient_accumulation_steps=2"
    config = make_config(hparams, train_steps=6, eval_every_n_steps=6)
    plan = plan_training(config, tmp_path / "model")
    train(plan, Console(file=io.StringIO()))
    assert average_checkpoints(tmp_path / "model", tmp_path / "new", last=1) == [6]
    expected = weights_of(tmp_path / "model")
    assert_equal(weights_of(tmp_path / "new"), expected)
    own = plan.model.get_weights()
    assert any(np.abs(one - other).max() > 1e-3 for one, other in zip(own, expected, strict=True))


def test_the_best_by_the_metric_of_the_run(run, tmp_path):
    path, weights = run
    log = path / "metrics.jsonl"
    text = log.read_text()
    records = [json.loads(line) for line in text.splitlines()]
    for record in records:
        record["dev_loss"] = {2: 1.0, 4: 2.0, 6: 3.0}[record["step"]]
    try:
        kept = [json.dumps(record) + "\n" for record in records if record["step"] > 2]
        log.write_text("".join(kept))
        assert average_checkpoints(path, tmp_path / "new", best=1) == [4]
        with pytest.raises(UserError, match="2 evaluated checkpoints; expected at least"):
            average_checkpoints(path, tmp_path / "other", best=3)
    finally:
        log.write_text(text)
    assert_equal(weights_of(tmp_path / "new"), weights[4])


def test_too_few_checkpoints(run, tmp_path):
    with pytest.raises(UserError, match="checkpoints; expected at least 9"):
        average_checkpoints(run[0], tmp_path / "new", last=9)
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(run, tmp_path):
    (tmp_path / "file").write_text("mine")
    for path in (run[0], tmp_path, tmp_path / "file"):
        with pytest.raises(UserError, match="not empty; expected|cannot be used as a directory"):
            average_checkpoints(run[0], path, last=1)


def test_the_last_and_the_best_exclude_each_other(run, tmp_path):
    with pytest.raises(TypeError, match="expected at most one of `last` and `best`"):
        average_checkpoints(run[0], tmp_path / "new", last=1, best=1)


def test_all_by_default(run, tmp_path):
    path, _ = run
    assert average_checkpoints(path, tmp_path / "new") == [2, 4, 6]
    average_checkpoints(path, tmp_path / "three", last=3)
    assert_equal(weights_of(tmp_path / "new"), weights_of(tmp_path / "three"))


def test_a_damaged_checkpoint(run, tmp_path):
    (data,) = (run[0] / "checkpoints").glob("ckpt-6.data*")
    content = data.read_bytes()
    try:
        data.write_bytes(content[:100])
        with pytest.raises(UserError, match="ckpt-6: cannot read the checkpoint"):
            average_checkpoints(run[0], tmp_path / "new", last=1)
    finally:
        data.write_bytes(content)
    assert not (tmp_path / "new").exists()


def test_an_interrupted_average_can_be_run_again(run, tmp_path, monkeypatch):
    def interrupt(self, model):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(ModelDirectory, "save_model", interrupt)
        with pytest.raises(KeyboardInterrupt):
            average_checkpoints(run[0], tmp_path / "new", last=1)
    assert list(tmp_path.iterdir()) == []
    average_checkpoints(run[0], tmp_path / "new", last=1)
    assert ModelDirectory(tmp_path / "new").load_model()
