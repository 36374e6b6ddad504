import hashlib
import io
import json
import lzma
import os
import shutil
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from keras_seq2seq import Vocabulary, WhitespaceTokenizer, prepare_records
from keras_seq2seq.building.data import choose_tokenizers
from keras_seq2seq.config import Config
from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.files import read_lines
from keras_seq2seq.model_directory import ModelDirectory, find_checkpoints
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.training import average_checkpoints, plan_training, train
from keras_seq2seq.training.run import TrainingRun
from keras_seq2seq.translator.scorer import Scorer


def make_console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def console():
    return make_console()


class Run(NamedTuple):
    """A training that several tests look at, or go on with in a copy of its directory."""

    config: Config
    directory: Path
    output: str
    records: list[dict] | None = None
    model: Seq2Seq | None = None

    def copy(self, path):
        shutil.copytree(self.directory, path)
        return path


@pytest.fixture(scope="module")
def finished(make_config, tmp_path_factory):
    """A training that nothing disturbed."""
    config = make_config(train_steps=24, tensorboard_embeddings=False)
    directory, console = tmp_path_factory.mktemp("finished"), make_console()
    records = train(plan_training(config, directory), console).records
    return Run(config, directory, console.file.getvalue(), records)


@pytest.fixture(scope="module")
def stopped(finished, tmp_path_factory):
    """The same training, stopped after step 13."""
    directory, console = tmp_path_factory.mktemp("stopped"), make_console()
    plan = plan_training(finished.config, directory)
    interrupt(plan, 13, console)
    return Run(finished.config, directory, console.file.getvalue(), model=plan.model)


@pytest.fixture(scope="module")
def with_options(make_config, tmp_path_factory):
    """A training with options for how it goes and for what it writes."""
    config = make_config(
        "optimizer.lr_decay_type=cosine, inference.max_decode_length=5",
        best_metric="exact_match",
        save_checkpoints_steps=8,
        sample_translations=2,
        profile_steps="12,13",
    )
    directory, console = tmp_path_factory.mktemp("with_options"), make_console()
    records = train(plan_training(config, directory), console).records
    return Run(config, directory, console.file.getvalue(), records)


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


def interrupt(plan, step, console):
    fit = plan.model.fit
    with pytest.MonkeyPatch.context() as context, pytest.raises(KeyboardInterrupt):
        context.setattr(
            plan.model,
            "fit",
            lambda *args, callbacks, **kwargs: fit(
                *args, callbacks=[InterruptAt(step), *callbacks], **kwargs
            ),
        )
        train(plan, console)


def kill_after(step, directory):
    """Makes a directory look as if its training had been killed after the checkpoint of a step."""
    for later in find_checkpoints(directory / "checkpoints"):
        if later > step:
            for file in (directory / "checkpoints").glob(f"ckpt-{later}.*"):
                file.unlink()


def weights(directory):
    return ModelDirectory(directory).load_model().get_weights()


def assert_same_weights(directory, other):
    for weight, other_weight in zip(weights(directory), weights(other), strict=True):
        np.testing.assert_array_equal(weight, other_weight)


def timeless(records):
    return [
        {name: value for name, value in record.items() if name != "seconds"} for record in records
    ]


def test_learns_and_leaves_a_readable_directory(finished):
    directory, records = finished.directory, finished.records
    assert [record["step"] for record in records] == [10, 20, 24]
    assert records[-1]["dev_loss"] < records[0]["dev_loss"]
    lines = (directory / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == records
    assert ModelDirectory(directory).load_config() == choose_tokenizers(finished.config)
    assert "step 24: train ppl" in finished.output


def test_dev_loss_is_that_of_the_saved_model(finished):
    scorer = Scorer.load(finished.directory)
    paths = finished.config.dev_source, finished.config.dev_target
    sources, targets = (list(read_lines(path)) for path in paths)
    scores = scorer(sources, targets)
    tokens = sum(len(target.split()) + 1 for target in targets)
    loss = -sum(score.log_probability for score in scores) / tokens
    assert min(record["dev_loss"] for record in finished.records) == pytest.approx(loss, rel=1e-4)


def test_measures_the_chosen_metric(with_options):
    assert all(0 <= record["dev_exact_match"] <= 100 for record in with_options.records)


def test_a_stopped_run_ends_like_one_that_was_not(finished, stopped, tmp_path, console):
    assert "Stopped after step 13 of 24" in stopped.output
    directory = stopped.copy(tmp_path / "resumed")
    resumed = train(plan_training(stopped.config, directory), console).records
    assert timeless(finished.records) == timeless(resumed)
    assert_same_weights(finished.directory, directory)
    assert points(finished.directory / "logs") == points(directory / "logs")


def test_a_killed_run_on_prepared_records_ends_like_one_that_was_not(
    make_config, corpus, tmp_path, console
):
    paths = [corpus / "train" / f"{side}s.txt" for side in ("source", "target")]
    tokenizers = [
        WhitespaceTokenizer(Vocabulary.load(corpus / f"vocab.{side}s.txt"))
        for side in ("source", "target")
    ]
    prepare_records(*paths, *tokenizers, tmp_path / "prepared")
    flags = {"train_source": None, "train_target": None, "train_data": tmp_path / "prepared"}
    config = make_config(**flags, train_steps=24, eval_every_n_steps=7, buckets=(4, 5))
    straight = train(plan_training(config, tmp_path / "straight"), console).records
    shutil.copytree(tmp_path / "straight", tmp_path / "killed")
    kill_after(14, tmp_path / "killed")
    resumed = train(plan_training(config, tmp_path / "killed"), console).records
    assert "resuming after step 14 of 24" in console.file.getvalue()
    assert timeless(straight) == timeless(resumed)
    assert_same_weights(tmp_path / "straight", tmp_path / "killed")
    # Text has another order.
    config = make_config(train_steps=24, eval_every_n_steps=7, buckets=(4, 5))
    with pytest.raises(UserError, match="--train_source: not the text that this run started with"):
        plan_training(config, tmp_path / "killed")


def test_ctrl_c_while_a_run_begins_stops_it_after_the_first_step(make_config, tmp_path, console):
    # Both times, it leaves a model.
    for step in 1, 4:
        plan = plan_training(make_config(), tmp_path)
        interrupt(plan, step - 1, console)
        *_, last = console.file.getvalue().split("Stopped after ")
        assert last.startswith(f"step {step} of")
        for found, expected in zip(weights(tmp_path), plan.model.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)
        assert "`translate` uses the weights of this step, which have not been evaluated." in last


def test_a_run_that_is_shortened_before_its_first_evaluation_leaves_a_model(
    make_config, tmp_path, console
):
    interrupt(plan_training(make_config(), tmp_path), 4, console)
    # After a kill, there is only the checkpoint.
    expected = weights(tmp_path)
    (tmp_path / "model.keras").unlink()
    train(plan_training(make_config(train_steps=3), tmp_path), console)
    lines = console.file.getvalue().splitlines()[-3:]
    assert lines[0] == f"{tmp_path}: already trained for 4 steps, more than the 3 of this run"
    assert lines[1] == ("`translate` uses the weights of this step, which have not been evaluated.")
    for found, weight in zip(weights(tmp_path), expected, strict=True):
        np.testing.assert_array_equal(found, weight)


def test_a_stopped_run_names_the_step_of_its_model(stopped, tmp_path):
    (line,) = [line for line in stopped.output.splitlines() if "`translate`" in line]
    assert line == (
        "`translate` uses the weights of step 10, the best by dev_loss. For those of step 13, run: "
        f"keras-seq2seq average --model_dir {stopped.directory} --last 1 --output_dir NEW_DIR"
    )
    assert average_checkpoints(stopped.directory, tmp_path / "latest", last=1) == [13]
    expected = stopped.model.get_weights()
    for found, weight in zip(weights(tmp_path / "latest"), expected, strict=True):
        np.testing.assert_array_equal(found, weight)


def test_a_closed_pipe_does_not_end_training(finished, make_config, tmp_path, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    config = make_config(train_steps=24, sample_translations=1)
    with os.fdopen(writing, "w", encoding="utf-8", buffering=1) as file:
        monkeypatch.setattr(sys, "stderr", file)
        result = train(plan_training(config, tmp_path))
    # Nor do samples change what is trained: two runs of one seed are one.
    assert timeless(result.records) == timeless(finished.records)
    assert_same_weights(tmp_path, finished.directory)
    assert max(find_checkpoints(tmp_path / "checkpoints")) == 24


def test_a_second_run_is_rejected_while_the_first_one_lives(
    finished, make_config, tmp_path, console
):
    config = make_config(train_steps=24, seed=2)
    plan = plan_training(config, tmp_path)
    with plan.directory.reserved():
        for start in (
            lambda: train(plan, console),
            lambda: plan_training(config, tmp_path, resume="never"),
        ):
            with pytest.raises(UserError, match=f"in use by process {os.getpid()} on .* since"):
                start()
    records = train(plan, console).records
    assert not (tmp_path / "run.lock").exists()
    # Two runs of two seeds are two.
    assert [record["step"] for record in records] == [10, 20, 24]
    assert timeless(records) != timeless(finished.records)


def test_damaged_files_are_written_again(finished, tmp_path, console):
    directory = finished.copy(tmp_path / "damaged")
    checkpoints = directory / "checkpoints"
    for step in (20, 24):
        os.truncate(checkpoints / f"ckpt-{step}.data-00000-of-00001", 1000)
    (checkpoints / "checkpoint").write_bytes(b"\xff\x00")
    (checkpoints / "ckpt-best.index").write_bytes(b"")
    (directory / "metrics.jsonl").write_bytes(b"\xff\xfe{}\n")
    (directory / "run.json").write_bytes(b"[1]")
    resumed = train(plan_training(finished.config, directory), console).records
    lines = console.file.getvalue().splitlines()
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert len(warnings) == 3
    assert "ckpt-24" in warnings[0] and "ckpt-20" in warnings[1]
    assert "run.json: damaged file, which is written again" in warnings[2]
    assert timeless(resumed) == timeless(finished.records)
    assert_same_weights(directory, finished.directory)
    # Each point once.
    assert points(directory / "logs") == points(finished.directory / "logs")
    logs = [(path / "metrics.jsonl").read_text() for path in (directory, finished.directory)]
    assert timeless(map(json.loads, logs[0].splitlines())) == timeless(
        map(json.loads, logs[1].splitlines())
    )
    assert json.loads((directory / "run.json").read_text())["starts"][0]["step"] == 10


def test_missing_files_are_written_again(finished, tmp_path, console):
    directory = ModelDirectory(finished.copy(tmp_path / "incomplete"))
    for path in (directory.config_path, directory.model_path):
        path.unlink()
    train(plan_training(finished.config, directory.path), console)
    lines = console.file.getvalue().splitlines()
    assert [line for line in lines if line.startswith("warning: ")] == [
        f"warning: {directory.config_path}: missing file, which is written again",
        f"warning: {directory.model_path}: missing file, which is written again with the weights "
        "of step 24",
    ]
    assert directory.load_config() == ModelDirectory(finished.directory).load_config()
    average_checkpoints(directory.path, tmp_path / "latest", last=1)
    assert_same_weights(directory.path, tmp_path / "latest")


def test_a_damaged_model_is_written_again(finished, tmp_path, console):
    directory = ModelDirectory(finished.copy(tmp_path / "damaged"))
    content = bytearray(directory.model_path.read_bytes())
    content[len(content) // 2] ^= 1
    directory.model_path.write_bytes(content)
    train(plan_training(finished.config, directory.path), console)
    assert f"warning: {directory.model_path}: damaged file, which is written again with the " in (
        console.file.getvalue()
    )
    directory.load_model()


def test_a_finished_run_is_left_alone(finished, console):
    records = train(plan_training(finished.config, finished.directory), console).records
    assert records == finished.records
    best = min(records, key=lambda record: record["dev_loss"])
    seconds = round(sum(record["seconds"] for record in records))
    assert console.file.getvalue().splitlines()[-1] == (
        f"Trained 24 steps in {timedelta(seconds=seconds)}; best dev_loss: "
        f"{best['dev_loss']:.4g} at step {best['step']}."
    )


def test_another_length_of_a_cosine_schedule_is_a_warning(with_options, tmp_path, console):
    assert "warning" not in with_options.output
    directory = with_options.copy(tmp_path / "longer")
    longer = with_options.config.model_copy(update={"train_steps": 40})
    TrainingRun(plan_training(longer, directory), console)
    # The middle of a cosine from 0.01 to optimizer.lr_min_learning_rate.
    assert (
        "warning: the learning rate now decays until step 40 instead of 20; at step 20, it is "
        "0.005 instead of 1e-12\n"
    ) in console.file.getvalue()


def test_tensorboard_shows_train_and_dev_under_one_name(finished):
    found = {}
    for side in ("train", "dev"):
        for file in (finished.directory / "logs" / side).iterdir():
            for event in tf.compat.v1.train.summary_iterator(os.fspath(file)):
                for value in event.summary.value:
                    found.setdefault((side, value.tag), []).append(event.step)
    for key in [("train", "loss"), ("dev", "loss"), ("train", "learning_rate")]:
        assert found[key] == [10, 20, 24]


def test_shows_samples_embeddings_and_a_profile(with_options):
    lines = with_options.output.splitlines()
    sources = [line.split(maxsplit=1)[1] for line in lines if line.startswith("  source ")]
    # Two sentences at each of two evaluations.
    assert sources == 2 * list(read_lines(with_options.config.dev_source))[:2]
    logs = with_options.directory / "logs"
    names = {path.name for path in (logs / "embeddings").iterdir()}
    assert names == {"source.bytes", "source.tsv", "target.bytes", "target.tsv"}
    assert len(list(logs.glob("profile/plugins/profile/*/*.xplane.pb"))) == 1


def test_what_is_shown_can_be_left_out(finished):
    logs = finished.directory / "logs"
    assert {path.name for path in logs.iterdir() if path.is_dir()} == {"train", "dev"}
    assert "  source " not in finished.output


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


def test_checkpoints_at_the_steps_that_are_asked_for(with_options):
    files = (with_options.directory / "checkpoints").glob("*.index")
    # Those of the evaluations too.
    assert sorted(int(file.stem[5:]) for file in files) == [8, 10, 16, 20]


def test_going_on_or_not_as_asked(finished, make_config, tmp_path, console):
    with pytest.raises(UserError, match="no checkpoint to resume from; correct --output_dir"):
        plan_training(make_config(), tmp_path, resume="must")
    directory, first = finished.copy(tmp_path / "model"), finished.records
    (directory / "mine.txt").touch()
    longer = make_config(train_steps=30)
    assert train(plan_training(longer, directory, resume="must"), console).records[:3] == first
    other = make_config(attention_dim=9)
    records = train(plan_training(other, directory, resume="never"), console).records
    assert [record["step"] for record in records] == [10, 20]
    assert timeless(records) != timeless(first[:2])
    assert ModelDirectory(directory).load_config() == choose_tokenizers(other)
    assert [step for step, _ in points(directory / "logs")["dev", "loss"]] == [10, 20]
    assert (directory / "mine.txt").exists()


def test_refuses_to_go_on_with_other_data(finished, make_config, corpus, tmp_path):
    finished.copy(tmp_path / "model")
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


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"attention_dim": 9}, "attention.dim 8 instead of 9"),
        ({"seed": 7}, "seed 1 instead of 7"),
    ],
)
@pytest.mark.parametrize("has_config", [True, False])
def test_refuses_checkpoints_of_another_run(
    finished, make_config, tmp_path, options, difference, has_config
):
    directory = ModelDirectory(finished.copy(tmp_path / "model"))
    config = make_config(train_steps=24, tensorboard_embeddings=False, **options)
    if has_config:
        choose_tokenizers(config).save(directory.config_path)
    else:
        directory.config_path.unlink()
    before = sorted(directory.path.rglob("*"))
    with pytest.raises(UserError) as error:
        plan_training(config, directory.path)
    assert str(error.value).startswith(
        f"{directory.path}/checkpoints/ckpt-24: checkpoint of another run, with {difference}; "
    )
    assert sorted(directory.path.rglob("*")) == before


def test_refuses_checkpoints_of_another_text(finished, make_config, corpus, tmp_path):
    directory = ModelDirectory(finished.copy(tmp_path / "model"))
    directory.run_path.unlink()
    text = (corpus / "train" / "sources.txt").read_bytes()
    first, *others = text.splitlines(keepends=True)
    changed = tmp_path / "changed.txt"
    changed.write_bytes(b"".join([*others, first]))
    hashes = [hashlib.sha256(content).hexdigest()[:12] for content in (text, changed.read_bytes())]
    config = make_config(train_source=changed, train_steps=24, tensorboard_embeddings=False)
    with pytest.raises(UserError) as error:
        plan_training(config, directory.path)
    assert f"train_source SHA-256 {hashes[0]} instead of SHA-256 {hashes[1]}; use" in str(
        error.value
    )
    plan_training(finished.config, directory.path)


def test_stops_early_and_stays_stopped(make_config, tmp_path, console):
    config = make_config(
        "inference.max_decode_length=5",
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
    # No evaluation, and no checkpoint, comes before the last step.
    files = {"train_source": source, "vocab_source": vocabulary}
    config = make_config(**files, eval_every_n_steps=20)
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
    assert str(error.value).endswith(
        "; correct these lines, or train with a lower optimizer.learning_rate or "
        "optimizer.clip_gradients"
    )
    # It can start again without a checkpoint.
    result = train(plan_training(config, tmp_path / "model"), console)
    assert [record["step"] for record in result.records] == [20]


def test_a_run_that_diverges_saves_nothing_of_it(make_config, tmp_path, console):
    hparams = "optimizer.name=SGD, optimizer.clip_gradients=0"
    config = make_config(hparams, learning_rate=1e9, save_checkpoints_steps=1)
    with pytest.raises(RunError, match=r"step \d+: .*; its batch is lines ") as error:
        train(plan_training(config, tmp_path), console)
    step = int(str(error.value).split(":")[0].removeprefix("step "))
    files = (tmp_path / "checkpoints").glob("*.index")
    assert all(int(file.stem[5:]) < step <= 10 for file in files)


def test_a_full_disk_ends_the_run_and_leaves_what_was_there(finished, stopped, small_disk, console):
    output_dir = stopped.copy(small_disk / "model")
    before = weights(output_dir)
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize
    (small_disk / "others").write_bytes(bytes(free - 20_000))
    config = stopped.config.model_copy(update={"save_checkpoints_steps": 5})
    with pytest.raises(RunError, match="cannot be written .*No space left on device"):
        train(plan_training(config, output_dir), console)
    for one, other in zip(weights(output_dir), before, strict=True):
        np.testing.assert_array_equal(one, other)
    (small_disk / "others").unlink()
    train(plan_training(config, output_dir, resume="must"), console)
    assert_same_weights(output_dir, finished.directory)


# SGD trains below too.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) for name in ("SGD", "RMSprop")] + ["Nadam"]
)
def test_trains_with_any_optimizer_of_keras(make_config, tmp_path, console, name):
    plan = plan_training(make_config(f"optimizer.name={name}", train_steps=10), tmp_path)
    assert np.isfinite(train(plan, console).records[-1]["dev_loss"])
    assert type(plan.model.optimizer) is getattr(keras.optimizers, name)


def test_decayed_learning_rate_is_recorded(with_options):
    rates = [record["learning_rate"] for record in with_options.records]
    # A cosine of 20 steps.
    np.testing.assert_allclose(rates, [0.005, 1e-12], rtol=1e-5, atol=1e-9)


PLATEAU = (
    "optimizer.lr_decay_type=plateau, optimizer.lr_plateau_factor=0.5, optimizer.name=SGD,"
    "optimizer.lr_plateau_patience=2, optimizer.arguments.momentum=0.5"
)


def test_a_plateau_goes_on_where_it_stopped(make_config, tmp_path, console):
    # With so high a rate the loss goes up and down.
    config = make_config(
        PLATEAU, learning_rate=5, train_steps=24, eval_every_n_steps=2, keep_checkpoint_max=12
    )
    plan = plan_training(config, tmp_path / "straight")
    straight = train(plan, console).records
    assert type(plan.model.optimizer) is keras.optimizers.SGD
    shutil.copytree(tmp_path / "straight", tmp_path / "killed")
    kill_after(12, tmp_path / "killed")
    resumed = train(plan_training(config, tmp_path / "killed"), console).records
    assert "resuming after step 12 of 24" in console.file.getvalue()
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


def test_averaged_and_accumulated_weights_go_on_where_they_stopped(make_config, tmp_path, console):
    hparams = "optimizer.ema_momentum=0.5, optimizer.gradient_accumulation_steps=3"
    config = make_config(hparams, train_steps=16, eval_every_n_steps=8)
    plan = plan_training(config, tmp_path / "straight")
    straight = train(plan, console).records
    # 16 is no multiple of 3; steps are batches all the same.
    assert [record["step"] for record in straight] == [8, 16]
    interrupt(plan_training(config, tmp_path / "stopped"), 13, console)
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


def test_begins_with_another_model_and_goes_on_without_it(finished, make_config, tmp_path, console):
    first = finished.copy(tmp_path / "first")
    config = make_config(init_from=first, init_pattern="encoder", train_steps=10)
    plan = plan_training(config, tmp_path / "second")
    report = plan.initial_weights.warm_start
    assert all("encoder" in path for path in report.taken)
    np.testing.assert_array_equal(
        plan.model.encoder.get_weights()[0],
        ModelDirectory(first).load_model().encoder.get_weights()[0],
    )
    train(plan, console)
    first.rename(tmp_path / "moved")
    for options, notes in [
        ({"init_from": first, "init_pattern": "encoder"}, ()),
        ({}, ()),
        (
            {"init_from": tmp_path / "moved", "hparams": "embedding.source_file=vectors.txt"},
            (
                f"init_from: {tmp_path / 'moved'} is not used, since the run is resumed, which "
                f"began with {first}",
                "embedding.source_file: vectors.txt is not used, since the run is resumed, which "
                "began without it",
            ),
        ),
    ]:
        plan = plan_training(make_config(train_steps=20, **options), tmp_path / "second")
        assert plan.initial_weights is None
        assert plan.notes == notes
        assert plan.config.init_from == str(first)
        assert plan.config.hparams.embedding.source_file is None


def test_a_resumed_run_scores_the_same_samples(make_config, tmp_path, console):
    flags = {"train_steps": 15, "eval_every_n_steps": 5, "best_metric": "wer"}
    config = make_config("inference.sample=true", **flags)
    straight = train(plan_training(config, tmp_path / "straight"), console).records
    interrupt(plan_training(config, tmp_path / "stopped"), 12, console)
    resumed = train(plan_training(config, tmp_path / "stopped"), console).records
    scores = [record["dev_wer"] for record in straight]
    assert [record["dev_wer"] for record in resumed] == scores
    assert len(set(scores)) > 1
