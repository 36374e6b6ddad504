import io
import json
import lzma
import os
import signal
import sys
from datetime import timedelta

import keras
import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from keras_seq2seq import Vocabulary, WhitespaceTokenizer, prepare_records
from keras_seq2seq.building.data import choose_tokenizers
from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.files import read_lines
from keras_seq2seq.model_directory import ModelDirectory, find_checkpoints
from keras_seq2seq.training import average_checkpoints, plan_training, train
from keras_seq2seq.translator.scorer import Scorer


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture(scope="module")
def finished(make_config, tmp_path_factory):
    """The directory of a training that nothing disturbed, and its records. To be looked at only."""
    directory = tmp_path_factory.mktemp("finished")
    plan = plan_training(make_config(), directory)
    return directory, train(plan, Console(file=io.StringIO())).records


class InterruptAt(keras.callbacks.Callback):
    """Presses Ctrl-C at the end of a step, or before the first one."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_begin(self, logs=None):
        if self.step == 0:
            os.kill(os.getpid(), signal.SIGINT)

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.step:
            os.kill(os.getpid(), signal.SIGINT)


def interrupt(plan, step, console, monkeypatch):
    fit = plan.model.fit
    monkeypatch.setattr(
        plan.model,
        "fit",
        lambda *args, callbacks, **kwargs: fit(
            *args, callbacks=[InterruptAt(step), *callbacks], **kwargs
        ),
    )
    with pytest.raises(KeyboardInterrupt):
        train(plan, console)


def weights(directory):
    return ModelDirectory(directory).load_model().get_weights()


def assert_same_weights(directory, other):
    for weight, other_weight in zip(weights(directory), weights(other), strict=True):
        np.testing.assert_array_equal(weight, other_weight)


def timeless(records):
    return [
        {name: value for name, value in record.items() if name != "seconds"} for record in records
    ]


def test_learns_and_leaves_a_readable_directory(make_config, tmp_path, console):
    plan = plan_training(make_config(train_steps=60, eval_every_n_steps=25), tmp_path)
    result = train(plan, console)
    assert [record["step"] for record in result.records] == [25, 50, 60]
    assert result.records[-1]["dev_loss"] < result.records[0]["dev_loss"]
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == result.records
    assert ModelDirectory(tmp_path).load_config() == plan.config
    assert "step 60: train ppl" in console.file.getvalue()


def test_dev_loss_is_that_of_the_saved_model(finished, make_config):
    directory, records = finished
    config = make_config()
    scorer = Scorer.load(directory)
    sources, targets = (list(read_lines(path)) for path in (config.dev_source, config.dev_target))
    scores = scorer(sources, targets)
    tokens = sum(len(target.split()) + 1 for target in targets)
    loss = -sum(score.log_probability for score in scores) / tokens
    assert min(record["dev_loss"] for record in records) == pytest.approx(loss, rel=1e-4)


def test_keeps_the_best_by_the_chosen_metric(make_config, tmp_path, console):
    plan = plan_training(make_config(best_metric="exact_match", train_steps=30), tmp_path)
    records = train(plan, console).records
    assert all(0 <= record["dev_exact_match"] <= 100 for record in records)


def test_a_stopped_run_ends_like_one_that_was_not(make_config, tmp_path, console, monkeypatch):
    config = make_config(train_steps=24, eval_every_n_steps=8)
    straight = train(plan_training(config, tmp_path / "straight"), console).records
    interrupt(plan_training(config, tmp_path / "stopped"), 13, console, monkeypatch)
    assert "Stopped after step 13 of 24" in console.file.getvalue()
    resumed = train(plan_training(config, tmp_path / "stopped"), console).records
    assert timeless(straight) == timeless(resumed)
    assert_same_weights(tmp_path / "straight", tmp_path / "stopped")
    assert points(tmp_path / "straight" / "logs") == points(tmp_path / "stopped" / "logs")


def test_a_stopped_run_on_prepared_records_ends_like_one_that_was_not(
    make_config, corpus, tmp_path, console, monkeypatch
):
    paths = [corpus / "train" / f"{side}s.txt" for side in ("source", "target")]
    tokenizers = [
        WhitespaceTokenizer(Vocabulary.load(corpus / f"vocab.{side}s.txt"))
        for side in ("source", "target")
    ]
    prepare_records(*paths, *tokenizers, tmp_path / "prepared")
    flags = {"train_source": None, "train_target": None, "train_data": tmp_path / "prepared"}
    config = make_config(**flags, train_steps=24, eval_every_n_steps=8, buckets=(4, 5))
    straight = train(plan_training(config, tmp_path / "straight"), console).records
    interrupt(plan_training(config, tmp_path / "stopped"), 14, console, monkeypatch)
    resumed = train(plan_training(config, tmp_path / "stopped"), console).records
    assert timeless(straight) == timeless(resumed)
    assert_same_weights(tmp_path / "straight", tmp_path / "stopped")
    # Text has another order.
    config = make_config(train_steps=24, eval_every_n_steps=8, buckets=(4, 5))
    with pytest.raises(UserError, match="--train_source: not the text that this run started with"):
        plan_training(
            make_config(train_steps=24, eval_every_n_steps=8, buckets=(4, 5)), tmp_path / "stopped"
        )


def test_a_run_stopped_before_its_first_evaluation_leaves_a_model(
    make_config, tmp_path, console, monkeypatch
):
    plan = plan_training(make_config(eval_every_n_steps=20), tmp_path)
    interrupt(plan, 3, console, monkeypatch)
    for found, expected in zip(weights(tmp_path), plan.model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert "`translate` uses the weights of this step, which have not been evaluated." in (
        console.file.getvalue()
    )


def test_ctrl_c_while_a_run_begins_stops_it_after_the_first_step(
    make_config, tmp_path, console, monkeypatch
):
    interrupt(plan_training(make_config(), tmp_path), 0, console, monkeypatch)
    assert "Stopped after step 1 of" in console.file.getvalue()


def test_a_stopped_run_names_the_step_of_its_model(make_config, tmp_path, console, monkeypatch):
    plan = plan_training(make_config(eval_every_n_steps=5), tmp_path / "model")
    interrupt(plan, 7, console, monkeypatch)
    (line,) = [line for line in console.file.getvalue().splitlines() if "`translate`" in line]
    assert line == (
        "`translate` uses the weights of step 5, the best by dev_loss. For those of step 7, run: "
        f"keras-seq2seq average --model_dir {tmp_path / 'model'} --last 1 --output_dir NEW_DIR"
    )
    assert average_checkpoints(tmp_path / "model", tmp_path / "latest", last=1) == [7]
    for found, expected in zip(weights(tmp_path / "latest"), plan.model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_closed_pipe_does_not_end_training(make_config, tmp_path, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8", buffering=1) as file:
        monkeypatch.setattr(sys, "stderr", file)
        result = train(plan_training(make_config(sample_translations=1), tmp_path))
    assert [record["step"] for record in result.records] == [10, 20]
    assert max(find_checkpoints(tmp_path / "checkpoints")) == 20


def test_a_second_run_is_rejected_while_the_first_one_lives(make_config, tmp_path, console):
    plan = plan_training(make_config(), tmp_path)
    with plan.directory.reserved():
        for start in (
            lambda: train(plan, console),
            lambda: plan_training(make_config(), tmp_path, resume="never"),
        ):
            with pytest.raises(UserError, match=f"in use by process {os.getpid()} on .* since"):
                start()
    assert train(plan, console).records
    assert not (tmp_path / "run.lock").exists()


def test_damaged_side_files_are_written_again(make_config, tmp_path, console):
    straight = train(plan_training(make_config(train_steps=24), tmp_path / "straight"), console)
    directory = tmp_path / "damaged"
    train(plan_training(make_config(), directory), console)
    (directory / "checkpoints" / "checkpoint").write_bytes(b"\xff\x00")
    (directory / "checkpoints" / "ckpt-best.index").write_bytes(b"")
    (directory / "metrics.jsonl").write_bytes(b"\xff\xfe{}\n")
    (directory / "run.json").write_bytes(b"[1]")
    resumed = train(plan_training(make_config(train_steps=24), directory), console)
    assert timeless(resumed.records) == timeless(straight.records)
    assert_same_weights(directory, tmp_path / "straight")
    assert "run.json: damaged file, which is written again" in console.file.getvalue()
    assert json.loads((directory / "run.json").read_text())["starts"][0]["step"] == 20


def test_the_end_shows_time_and_best_evaluation(finished, make_config, console):
    directory, records = finished
    train(plan_training(make_config(), directory), console)
    best = min(records, key=lambda record: record["dev_loss"])
    seconds = round(sum(record["seconds"] for record in records))
    assert console.file.getvalue().splitlines()[-1] == (
        f"Trained 20 steps in {timedelta(seconds=seconds)}; best dev_loss: "
        f"{best['dev_loss']:.4g} at step {best['step']}."
    )


def test_another_length_of_a_cosine_schedule_is_a_warning(make_config, tmp_path, console):
    hparams = "optimizer.lr_decay_type=cosine"
    train(plan_training(make_config(hparams, train_steps=10), tmp_path), console)
    assert "warning" not in console.file.getvalue()
    train(plan_training(make_config(hparams, train_steps=20), tmp_path), console)
    # The middle of a cosine from 0.01 to optimizer.lr_min_learning_rate.
    assert (
        "warning: the learning rate now decays until step 20 instead of 10; at step 10, it is "
        "0.005 instead of 1e-12\n"
    ) in console.file.getvalue()


def test_a_diverged_run_without_checkpoints_can_start_again(make_config, tmp_path, console):
    plan = plan_training(make_config("optimizer.name=SGD", learning_rate=1.0), tmp_path)
    embeddings = plan.model.source_embedding.embeddings
    embeddings.assign(np.full(embeddings.shape, np.nan))
    with pytest.raises(RunError) as error:
        train(plan, console)
    assert str(error.value).endswith(
        "; correct these lines, or train with a lower optimizer.learning_rate or "
        "optimizer.clip_gradients"
    )
    result = train(plan_training(make_config("optimizer.name=SGD"), tmp_path), console)
    assert [record["step"] for record in result.records] == [10, 20]


def test_a_finished_run_is_left_alone(make_config, tmp_path, console):
    first = train(plan_training(make_config(), tmp_path), console).records
    assert train(plan_training(make_config(), tmp_path), console).records == first
    assert train(plan_training(make_config(train_steps=30), tmp_path), console).records[:2] == first


def test_tensorboard_shows_train_and_dev_under_one_name(finished):
    directory, _ = finished
    found = {}
    for side in ("train", "dev"):
        for file in (directory / "logs" / side).iterdir():
            for event in tf.compat.v1.train.summary_iterator(os.fspath(file)):
                for value in event.summary.value:
                    found.setdefault((side, value.tag), []).append(event.step)
    for key in [("train", "loss"), ("dev", "loss"), ("train", "learning_rate")]:
        assert found[key] == [10, 20]


def test_shows_samples_embeddings_and_a_profile(make_config, tmp_path, console):
    config = make_config(sample_translations=2, profile_steps="12,13")
    train(plan_training(config, tmp_path / "model"), console)
    lines = console.file.getvalue().splitlines()
    sources = [line.split(maxsplit=1)[1] for line in lines if line.startswith("  source ")]
    # Two sentences at each of two evaluations.
    assert sources == 2 * list(read_lines(config.dev_source))[:2]
    logs = tmp_path / "model" / "logs"
    names = {path.name for path in (logs / "embeddings").iterdir()}
    assert names == {"source.bytes", "source.tsv", "target.bytes", "target.tsv"}
    assert len(list(logs.glob("profile/plugins/profile/*/*.xplane.pb"))) == 1


def test_what_is_shown_can_be_left_out(make_config, tmp_path, console):
    train(plan_training(make_config(tensorboard_embeddings=False), tmp_path), console)
    directories = {path.name for path in (tmp_path / "logs").iterdir() if path.is_dir()}
    assert directories == {"train", "dev"}
    assert "  source " not in console.file.getvalue()


def points(log_dir):
    """Returns the points of TensorBoard's curves, other than of the speed."""
    found = {}
    for side in ("train", "dev"):
        for file in sorted((log_dir / side).iterdir()):
            for event in tf.compat.v1.train.summary_iterator(os.fspath(file)):
                for value in event.summary.value:
                    point = event.step, value.tensor.SerializeToString()
                    found.setdefault((side, value.tag), []).append(point)
    del found["train", "target_tokens_per_second"]
    return found


def test_two_runs_of_one_seed_are_one(finished, make_config, tmp_path, console):
    directory, records = finished
    again = train(plan_training(make_config(), tmp_path / "again"), console).records
    assert timeless(again) == timeless(records)
    assert_same_weights(tmp_path / "again", directory)
    other = train(plan_training(make_config(seed=2), tmp_path / "other"), console).records
    assert timeless(other) != timeless(records)


def test_tensorboard_has_each_point_once_after_a_damaged_checkpoint(make_config, tmp_path, console):
    config = make_config(train_steps=30)
    train(plan_training(config, tmp_path / "straight"), console)
    train(plan_training(config, tmp_path / "stopped"), console)
    checkpoints = tmp_path / "stopped" / "checkpoints"
    for step in (20, 30):
        os.truncate(checkpoints / f"ckpt-{step}.data-00000-of-00001", 1000)
    train(plan_training(config, tmp_path / "stopped"), console)
    lines = console.file.getvalue().splitlines()
    damaged = [line for line in lines if line.startswith("warning: ")]
    assert ["ckpt-30" in line for line in damaged] == [True, False]
    assert points(tmp_path / "stopped" / "logs") == points(tmp_path / "straight" / "logs")
    assert_same_weights(tmp_path / "stopped", tmp_path / "straight")
    logs = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("stopped", "straight")]
    assert timeless(map(json.loads, logs[0].splitlines())) == timeless(
        map(json.loads, logs[1].splitlines())
    )


def test_checkpoints_at_the_steps_that_are_asked_for(make_config, tmp_path, console):
    train(plan_training(make_config(save_checkpoints_steps=8), tmp_path), console)
    files = (tmp_path / "checkpoints").glob("*.index")
    # Those of the evaluations too.
    assert sorted(int(file.stem[5:]) for file in files) == [8, 10, 16, 20]


def test_going_on_or_not_as_asked(make_config, tmp_path, console):
    with pytest.raises(UserError, match="no checkpoint to resume from; correct --output_dir"):
        plan_training(make_config(), tmp_path, resume="must")
    first = train(plan_training(make_config(), tmp_path), console).records
    (tmp_path / "mine.txt").touch()
    longer = make_config(train_steps=30)
    assert train(plan_training(longer, tmp_path, resume="must"), console).records[:2] == first
    other = make_config(attention_dim=9)
    records = train(plan_training(other, tmp_path, resume="never"), console).records
    assert [record["step"] for record in records] == [10, 20]
    assert timeless(records) != timeless(first)
    assert ModelDirectory(tmp_path).load_config() == choose_tokenizers(other)
    assert [step for step, _ in points(tmp_path / "logs")["dev", "loss"]] == [10, 20]
    assert (tmp_path / "mine.txt").exists()


def test_refuses_to_go_on_with_other_data(make_config, corpus, tmp_path, console):
    train(plan_training(make_config(train_steps=10), tmp_path / "model"), console)
    moved, changed = tmp_path / "moved.txt", tmp_path / "changed.txt"
    text = (corpus / "train" / "sources.txt").read_text()
    moved.write_text(text)
    first, *others = text.splitlines(keepends=True)
    changed.write_text("".join([*others, first]))
    plan_training(make_config(train_source=moved), tmp_path / "model")
    with pytest.raises(UserError, match="--train_source: not the text that this run started with"):
        plan_training(make_config(train_source=changed), tmp_path / "model")
    plan_training(make_config(train_source=changed), tmp_path / "model", resume="never")
    # The same text may come from other kinds of files.
    targets = (corpus / "train" / "targets.txt").read_text().splitlines()
    table = tmp_path / "table.tsv.xz"
    flags = {"train_source": None, "train_target": None, "train_data": table}
    for sources in (text, changed.read_text()):
        rows = zip(sources.splitlines(), targets, strict=True)
        table.write_bytes(lzma.compress("".join(f"{a}\t{b}\n" for a, b in rows).encode()))
        if sources == text:
            plan_training(make_config(**flags), tmp_path / "model")
    with pytest.raises(UserError, match=r"--train_data \(source column\): not the text that this"):
        plan_training(make_config(**flags), tmp_path / "model")


def test_stops_early_and_stays_stopped(make_config, tmp_path, console):
    config = make_config(
        learning_rate=1e-30,
        train_steps=100,
        eval_every_n_steps=5,
        best_metric="exact_match",
        early_stopping_patience=2,
    )
    records = train(plan_training(config, tmp_path), console).records
    assert [record["step"] for record in records] == [5, 10, 15]
    assert "Stopped early: 2 evaluations without a better dev_exact_match than 0 at step 5" in (
        console.file.getvalue()
    )
    assert train(plan_training(config, tmp_path), console).records == records


def test_a_loss_that_is_no_number_names_the_lines(make_config, corpus, tmp_path, console):
    source, vocabulary = tmp_path / "source.txt", tmp_path / "vocab.txt"
    lines = (corpus / "train" / "sources.txt").read_text().splitlines()
    lines[136] += " rare"
    source.write_text("\n".join(lines))
    vocabulary.write_text((corpus / "vocab.sources.txt").read_text() + "rare\n")
    config = make_config(train_source=source, vocab_source=vocabulary)
    plan = plan_training(config, tmp_path / "model")
    # A word of one line of the training text is too large.
    embeddings = plan.model.source_embedding.embeddings
    table = embeddings.numpy()
    table[len(plan.source.vocabulary) - 1] = 3e38
    embeddings.assign(table)
    with pytest.raises(RunError, match=r"step \d+: the loss is nan; its batch is lines ") as error:
        train(plan, console)
    listed = str(error.value).split("lines ")[1].split(" of ")[0]
    numbers = [int(number) for number in listed.split(", ")]
    assert len(set(numbers)) == 16
    assert 137 in numbers


def test_a_run_that_diverges_saves_nothing_of_it(make_config, tmp_path, console):
    hparams = "optimizer.name=SGD, optimizer.clip_gradients=0"
    config = make_config(hparams, learning_rate=1e9, save_checkpoints_steps=1)
    with pytest.raises(RunError, match=r"step \d+: .*; its batch is lines ") as error:
        train(plan_training(config, tmp_path), console)
    step = int(str(error.value).split(":")[0].removeprefix("step "))
    files = (tmp_path / "checkpoints").glob("*.index")
    assert all(int(file.stem[5:]) < step <= 10 for file in files)


def test_a_full_disk_ends_the_run_and_leaves_what_was_there(
    finished, make_config, small_disk, console
):
    output_dir = small_disk / "model"
    train(plan_training(make_config(train_steps=10), output_dir), console)
    before = weights(output_dir)
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize
    (small_disk / "others").write_bytes(bytes(free - 20_000))
    config = make_config(save_checkpoints_steps=5)
    with pytest.raises(RunError, match="cannot be written .*No space left on device"):
        train(plan_training(config, output_dir), console)
    for one, other in zip(weights(output_dir), before, strict=True):
        np.testing.assert_array_equal(one, other)
    (small_disk / "others").unlink()
    train(plan_training(config, output_dir, resume="must"), console)
    assert_same_weights(output_dir, finished[0])


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Nadam"])
def test_trains_with_any_optimizer_of_keras(make_config, tmp_path, console, name):
    plan = plan_training(make_config(f"optimizer.name={name}", train_steps=10), tmp_path)
    assert np.isfinite(train(plan, console).records[-1]["dev_loss"])
    assert type(plan.model.optimizer) is getattr(keras.optimizers, name)


def test_decayed_learning_rate_is_recorded(make_config, tmp_path, console):
    hparams = (
        "optimizer.lr_decay_type=exponential_decay, optimizer.lr_decay_steps=10,"
        "optimizer.lr_decay_rate=0.5"
    )
    records = train(plan_training(make_config(hparams), tmp_path), console).records
    rates = [record["learning_rate"] for record in records]
    np.testing.assert_allclose(rates, [0.005, 0.0025], rtol=1e-5)


PLATEAU = (
    "optimizer.lr_decay_type=plateau, optimizer.lr_plateau_factor=0.5, optimizer.name=SGD,"
    "optimizer.lr_plateau_patience=2, optimizer.arguments.momentum=0.5"
)


def test_a_plateau_goes_on_where_it_stopped(make_config, tmp_path, console, monkeypatch):
    # With so high a rate the loss goes up and down.
    config = make_config(PLATEAU, learning_rate=5, train_steps=24, eval_every_n_steps=2)
    straight = train(plan_training(config, tmp_path / "straight"), console).records
    interrupt(plan_training(config, tmp_path / "stopped"), 13, console, monkeypatch)
    resumed = train(plan_training(config, tmp_path / "stopped"), console).records
    rates = [record["learning_rate"] for record in resumed]
    assert rates == [record["learning_rate"] for record in straight]
    # The rate in a record is the one before the record is looked at.
    best, waited, rate, expected = float("inf"), 0, 5.0, []
    for record in straight:
        expected.append(rate)
        waited = 0 if record["dev_loss"] < best else waited + 1
        best = min(best, record["dev_loss"])
        if waited == 2:
            rate, waited = rate / 2, 0
    assert rates == expected
    assert len(set(rates)) > 2


def test_averaged_and_accumulated_weights_go_on_where_they_stopped(
    make_config, tmp_path, console, monkeypatch
):
    hparams = "optimizer.ema_momentum=0.5, optimizer.gradient_accumulation_steps=3"
    config = make_config(hparams, train_steps=16, eval_every_n_steps=8)
    plan = plan_training(config, tmp_path / "straight")
    straight = train(plan, console).records
    # 16 is no multiple of 3; steps are batches all the same.
    assert [record["step"] for record in straight] == [8, 16]
    interrupt(plan_training(config, tmp_path / "stopped"), 13, console, monkeypatch)
    assert "Stopped after step 13 of 16" in console.file.getvalue()
    resumed = train(plan_training(config, tmp_path / "stopped"), console).records
    assert [record["dev_loss"] for record in resumed] == [r["dev_loss"] for r in straight]
    saved = weights(tmp_path / "straight")
    for one, other in zip(saved, weights(tmp_path / "stopped"), strict=True):
        np.testing.assert_array_equal(one, other)
    # What was saved is not what training goes on with, but the average.
    assert straight[1]["dev_loss"] < straight[0]["dev_loss"]
    own = [variable.numpy() for variable in plan.model.trainable_variables]
    assert any((one != other).any() for one, other in zip(saved, own, strict=True))
    average = plan.model.optimizer.variables
    for value in saved:
        assert any(
            value.shape == variable.shape and (value == variable.numpy()).all()
            for variable in average
        )


def test_a_recipe_of_everything_trains_and_can_be_loaded(make_config, corpus, tmp_path, console):
    (tmp_path / "vectors.txt").write_text("0 " + "0.1 " * 16 + "\n1 " + "-0.2 " * 16 + "\n")
    hparams = f"""embedding.source_file={tmp_path / "vectors.txt"}, embedding.freeze=true,
        embedding.tie_output=true, embedding.word_dropout=0.1, rnn_cell.layer_normalization=true,
        rnn_cell.variational_dropout=true, decoder.teacher_forcing.decay_type=linear,
        decoder.teacher_forcing.decay_steps=10"""
    flags = {"batch_type": "tokens", "batch_size": 100, "buckets": "auto"}
    plan = plan_training(make_config(hparams, dtype="mixed_bfloat16", **flags), tmp_path / "model")
    assert plan.initial_weights.word_vectors == {"source": (2, 5)}
    before = plan.model.source_embedding.get_weights()[0]
    records = train(plan, console).records
    assert np.isfinite(records[-1]["dev_loss"])
    assert 0 <= records[-1]["train_target_padding"] < 0.5
    np.testing.assert_array_equal(plan.model.source_embedding.get_weights()[0], before)
    loaded = ModelDirectory(tmp_path / "model").load_model()
    for one, other in zip(loaded.get_weights(), plan.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert Scorer.load(tmp_path / "model")(["0 1"], ["0 1"])[0].log_probability < 0


def test_begins_with_another_model_and_goes_on_without_it(make_config, tmp_path, console):
    train(plan_training(make_config(train_steps=10), tmp_path / "first"), console)
    config = make_config(init_from=tmp_path / "first", init_pattern="encoder", train_steps=10)
    plan = plan_training(config, tmp_path / "second")
    report = plan.initial_weights.warm_start
    assert all("encoder" in path for path in report.taken)
    np.testing.assert_array_equal(
        plan.model.encoder.get_weights()[0],
        ModelDirectory(tmp_path / "first").load_model().encoder.get_weights()[0],
    )
    train(plan, console)
    (tmp_path / "first").rename(tmp_path / "gone")
    again = make_config(init_from=tmp_path / "first", init_pattern="encoder", train_steps=20)
    assert plan_training(again, tmp_path / "second").initial_weights is None
