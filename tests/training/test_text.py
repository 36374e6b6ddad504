import io
import json
import os
import random

import pytest
from rich.console import Console

from keras_seq2seq.cli.data_report import describe_plan
from keras_seq2seq.config import Config, resolve_config, set_if_open
from keras_seq2seq.errors import UserError
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models.saving import write_model
from keras_seq2seq.training import plan_training, train
from keras_seq2seq.training.run import TrainingRun
from keras_seq2seq.training.run_data import lines_of_steps
from keras_seq2seq.training.text import adopt_choices

HPARAMS = "rnn_cell.num_units=8,embedding.dim=8,attention.dim=8"
SUBJECTS = "The man,A woman,The little dog,Some people,My friend,The teacher".split(",")
VERBS = "sees,knows,paints,buys,forgets,finds".split(",")
OBJECTS = "a house,the green tree,an apple,nothing,the old book,two cars".split(",")


@pytest.fixture(scope="session")
def text(tmp_path_factory):
    """Raw text of 220 lines, some of them duplicates."""
    directory = tmp_path_factory.mktemp("text")
    draw = random.Random(2)
    lines = [
        f"{draw.choice(SUBJECTS)} {draw.choice(VERBS)} {draw.choice(OBJECTS)}, "
        f"then {draw.choice(VERBS)} {draw.choice(OBJECTS)}."
        for _ in range(200)
    ]
    lines += lines[:19] + ["Same."]
    targets = [line.upper() if line != "Same." else line for line in lines]
    (directory / "a.en").write_text("".join(f"{line}\n" for line in lines))
    (directory / "a.up").write_text("".join(f"{line}\n" for line in targets))
    rows = zip(lines, targets, strict=True)
    (directory / "a.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in rows))
    return directory


@pytest.fixture(scope="session")
def make_config(text):
    def make(hparams="", **flags):
        files = {"train_source": text / "a.en", "train_target": text / "a.up"}
        if "train_data" in flags:
            files = {}
        steps = {"train_steps": 4, "eval_every_n_steps": 2, "sample_translations": 0}
        return resolve_config(flags={**files, **steps, **flags}, hparams=f"{HPARAMS},{hparams}")

    return make


def test_everything_is_chosen(make_config, tmp_path):
    plan = plan_training(make_config(), tmp_path / "model")
    assert not (tmp_path / "model").exists()
    options = plan.config.hparams
    assert options.source.tokenizer == options.target.tokenizer == "sentencepiece"
    assert plan.source.tokenizer != plan.target.tokenizer
    assert plan.model.encoder.concat_inputs and plan.model.decoder.context_skip
    assert plan.config.buckets == "auto"
    # 5 % of 220
    assert plan.dev_summary.pairs == len(plan.drawn_dev) == 11
    for side, summary in (("source", plan.train_summary.source), ("target", None)):
        length = getattr(options, side).max_seq_len
        assert 2 < length <= 256
        if summary:
            assert length == summary.length_that_fits(0.995)
    dev = set(plan.dev)
    assert dev.isdisjoint(plan.train)
    for side in (0, 1):
        assert {pair[side] for pair in dev}.isdisjoint(pair[side] for pair in plan.train)
    report = describe_plan(plan)
    assert report.startswith("dev: drew 11 pairs from the training text with --seed 1;")
    assert "source: sentencepiece tokenizer for raw text, " in report
    assert "text in common with the dev data\n" in report
    again = plan_training(make_config(), tmp_path / "other")
    assert (again.fingerprints, again.drawn_dev) == (plan.fingerprints, plan.drawn_dev)
    assert plan_training(make_config(seed=2), tmp_path).drawn_dev != plan.drawn_dev


def test_tables(make_config, text, tmp_path):
    plan = plan_training(make_config(), tmp_path)
    table = plan_training(make_config(train_data=text / "a.tsv"), tmp_path)
    assert table.fingerprints == plan.fingerprints


def test_options_that_are_set_stay(make_config, tmp_path):
    plan = plan_training(
        make_config(
            "source.tokenizer=characters,target.tokenizer=words,target.lowercase=true,"
            "target.vocab_size=5,source.max_seq_len=20,inference.max_decode_length=30,"
            "encoder.concat_inputs=false",
            buckets="30",
            dev_size=7,
        ),
        tmp_path,
    )
    assert plan.source.tokenizer.name == "characters"
    assert not plan.model.encoder.concat_inputs and plan.model.decoder.context_skip
    assert plan.target.tokenizer.lowercase
    assert plan.target.tokenizer.vocabulary_size() == 9
    assert (plan.source.max_length, plan.config.buckets) == (20, (30,))
    assert plan.config.hparams.inference.max_decode_length == 30
    assert len(plan.drawn_dev) == 7
    with pytest.raises(UserError, match="source.min_frequency: has no effect here: a Sentence"):
        plan_training(make_config("source.min_frequency=2"), tmp_path)
    with pytest.raises(
        UserError, match=r"^the source vocabulary cannot be built: .*; set source.vocab_size or so"
    ):
        plan_training(make_config("source.vocab_size=10"), tmp_path)


def test_translations_may_be_longer_than_targets(make_config, tmp_path):
    plan = plan_training(make_config("target.tokenizer=bytes"), tmp_path)
    length = plan.config.hparams.target.max_seq_len
    assert plan.config.hparams.inference.max_decode_length == max(100, 2 * length)
    hparams = "target.tokenizer=bytes,target.max_seq_len=300,source.max_seq_len=300"
    plan = plan_training(make_config(hparams), tmp_path)
    assert plan.config.hparams.inference.max_decode_length == 600


def test_a_trial_with_longer_targets_may_write_longer_translations(make_config):
    stored = make_config("target.tokenizer=bytes,target.max_seq_len=40")
    stored = set_if_open(stored, "inference", max_decode_length=100)
    config = make_config("target.tokenizer=bytes,target.max_seq_len=300")
    adopted = adopt_choices(config, stored, is_resumed=False)
    assert "max_decode_length" not in adopted.hparams.inference.model_fields_set
    adopted = adopt_choices(stored.model_copy(), stored, is_resumed=False)
    assert adopted.hparams.inference.max_decode_length == 100


def test_vocabularies_that_are_given_leave_everything_as_it_was(make_config, text, tmp_path):
    vocabulary = tmp_path / "vocab"
    vocabulary.write_text("the\nman\nThe\nTHE\n")
    files = {"vocab_source": vocabulary, "vocab_target": vocabulary}
    plan = plan_training(make_config(**files), tmp_path)
    assert plan.config.hparams.source.tokenizer == "whitespace"
    assert not plan.model.encoder.concat_inputs and not plan.model.decoder.context_skip
    assert (plan.config.buckets, plan.source.max_length) == ("auto", 40)
    assert plan.config.hparams.inference.max_decode_length == 100


def test_joint_vocabulary(make_config, tmp_path):
    plan = plan_training(make_config(joint_vocabulary=True), tmp_path)
    assert plan.source.tokenizer == plan.target.tokenizer
    assert plan.config.hparams.embedding.share
    plan = plan_training(
        make_config("embedding.share=false, target.tokenizer=words", joint_vocabulary=True),
        tmp_path,
    )
    assert plan.source.tokenizer == plan.target.tokenizer
    assert plan.source.tokenizer.name == "words"
    assert not plan.config.hparams.embedding.share
    with pytest.raises(UserError, match="embedding.share needs one .*--joint_vocabulary"):
        plan_training(make_config("embedding.share=true"), tmp_path)


def test_filters(make_config, text, tmp_path):
    plan = plan_training(
        make_config("filter.duplicates=true,filter.identical=true"), tmp_path / "m"
    )
    pairs = list(
        zip(*((text / name).read_text().splitlines() for name in ("a.en", "a.up")), strict=True)
    )
    duplicates = len(pairs) - len(set(pairs))
    assert plan.train_summary.dropped["duplicate"] == duplicates >= 19
    assert plan.train_summary.dropped["identical sides"] == 1
    assert f"{duplicates} duplicate" in describe_plan(plan)
    lines = (text / "a.en").read_text().splitlines()
    numbers = [number for batch in lines_of_steps(plan, 1, 3) for number in batch]
    kept = {source for source, _ in plan.train}
    assert numbers and {lines[number - 1] for number in numbers} <= kept
    TrainingRun(plan, Console(file=io.StringIO()))
    record = json.loads((tmp_path / "m" / "run.json").read_text())
    assert record["train"]["pairs"] == plan.train_summary.pairs
    assert record["train"]["left_out"]["duplicate"] == duplicates


def test_pairs_that_are_too_long_are_left_out(make_config, tmp_path):
    truncated = plan_training(make_config("source.max_seq_len=8"), tmp_path)
    assert truncated.train_summary.source.truncated > 0
    plan = plan_training(make_config("source.max_seq_len=8, filter.too_long=true"), tmp_path)
    assert plan.train_summary.source.truncated == 0
    assert (
        plan.train_summary.dropped["too long"] + plan.train_summary.pairs
        == truncated.train_summary.pairs
    )


def test_a_resumed_run_uses_the_stored_text(make_config, text, tmp_path, monkeypatch):
    directory = ModelDirectory(tmp_path / "model")
    plan = plan_training(make_config(), directory.path)
    train(plan)
    assert directory.dev_paths[0].read_text().splitlines() == [pair[0] for pair in plan.drawn_dev]
    monkeypatch.setattr(
        "keras_seq2seq.training.text.build_tokenizer", lambda *args: pytest.fail("built again")
    )
    monkeypatch.setattr(
        "keras_seq2seq.training.text.draw_dev", lambda *args: pytest.fail("drawn again")
    )
    resumed = plan_training(make_config(train_steps=6), directory.path)
    assert resumed.fingerprints == plan.fingerprints
    assert resumed.config == plan.config.model_copy(update={"train_steps": 6})
    train(resumed)
    plan_training(Config.load(directory.config_path), directory.path)
    for hparams, name in [
        ("source.max_seq_len=99", "source.max_seq_len"),
        ("source.vocab_size=999", "source.vocab_size"),
        ("target.tokenizer=words", "target.tokenizer"),
    ]:
        with pytest.raises(UserError, match=f"another model, trained with {name}"):
            plan_training(make_config(hparams), directory.path)
    with pytest.raises(UserError, match="another model, trained with dev_size None instead of 3"):
        plan_training(make_config(dev_size=3), directory.path)
    other = tmp_path / "a.en"
    other.write_text((text / "a.en").read_text().replace("apple", "orange"))
    with pytest.raises(UserError, match="--train_source: not the text that this run started with"):
        plan_training(make_config(train_source=other), directory.path)


def test_swapped_dev_data_are_reported(make_config, text, tmp_path):
    """The byte fallback of the tokenizers knows all text."""
    dev = {"dev_source": text / "a.up", "dev_target": text / "a.en"}
    plan = plan_training(make_config(**dev), tmp_path / "model")
    assert plan.dev_summary.source.unknown_tokens == 0
    warnings = [line for line in describe_plan(plan).splitlines() if line.startswith("warning")]
    assert warnings == [
        f"warning: {text / 'a.up'} resembles the targets of the training text, and {text / 'a.en'} "
        "its sources; swap --dev_source and --dev_target"
    ]
    plan = plan_training(
        make_config(dev_source=text / "a.en", dev_target=text / "a.up"), tmp_path / "model"
    )
    assert "warning" not in describe_plan(plan)


def test_a_run_with_dev_data_is_resumed_with_them(make_config, text, tmp_path):
    dev = {"dev_source": text / "a.en", "dev_target": text / "a.up"}
    train(plan_training(make_config(**dev), tmp_path / "model"))
    assert not ModelDirectory(tmp_path / "model").dev_paths[0].exists()
    with pytest.raises(
        UserError, match="dev.source: no such file; .* set --dev_source and --dev_t"
    ):
        plan_training(make_config(), tmp_path / "model")


def test_dev_data_of_different_lengths_are_an_error(make_config, text, tmp_path):
    directory = ModelDirectory(tmp_path / "model")
    plan = plan_training(make_config(), directory.path)
    directory.create(plan.config, plan.source.tokenizer, plan.target.tokenizer, plan.drawn_dev)
    directory.checkpoints_path.mkdir()
    (directory.checkpoints_path / "ckpt-1.index").touch()
    plan_training(make_config(), directory.path)
    for change, message in (
        (lambda path: path.write_text(""), "dev.target: empty file"),
        (lambda path: path.write_text("A\n"), "dev.source has [0-9]+ lines, but .*target has 1"),
    ):
        change(directory.dev_paths[1])
        with pytest.raises(UserError, match=message):
            plan_training(make_config(), directory.path)


def test_starting_over_deletes_no_input(make_config, text, tmp_path):
    directory = ModelDirectory(tmp_path / "model")
    plan = plan_training(make_config(), directory.path)
    directory.create(plan.config, plan.source.tokenizer, plan.target.tokenizer, plan.drawn_dev)
    write_model(plan.model, directory.model_path)
    names = sorted(os.listdir(directory.path))
    dev = dict(zip(("dev_source", "dev_target"), map(str, directory.dev_paths), strict=True))
    for flags, name in ((dev, "dev.source"), ({"init_from": str(directory.path)}, "model.keras")):
        with pytest.raises(UserError, match=f"{name}: would be deleted by --resume never; move"):
            plan_training(make_config(**flags), directory.path, resume="never")
    plan_training(make_config(), directory.path, resume="never")
    assert sorted(os.listdir(directory.path)) == names


@pytest.mark.parametrize("resume", ["auto", "never"])
def test_logs_of_something_else_are_not_touched(make_config, tmp_path, resume):
    (tmp_path / "logs").mkdir()
    with pytest.raises(UserError, match="logs: not written by a training run"):
        plan_training(make_config(), tmp_path, resume=resume)


def test_a_new_run_can_use_the_text_of_another_one(make_config, tmp_path):
    first = plan_training(make_config("target.tokenizer=words"), tmp_path / "a")
    directory = ModelDirectory(tmp_path / "text")
    dev = first.drawn_dev[:3]
    directory.create(first.config, first.source.tokenizer, first.target.tokenizer, dev)
    config = make_config("target.vocab_size=5, target.tokenizer=words")
    plan = plan_training(config, tmp_path / "b", text_from=directory)
    assert list(plan.dev) == dev
    assert plan.source.tokenizer == first.source.tokenizer
    assert plan.target.tokenizer.vocabulary_size() == 9


def test_subword_regularization_chooses_subwords(make_config, text, tmp_path):
    (tmp_path / "a").write_text("".join(f"{index} {index + 1}\n" for index in range(50)))
    files = {"train_source": tmp_path / "a", "train_target": tmp_path / "a"}
    plan = plan_training(make_config("source.sampling_alpha=0.1", **files), tmp_path / "model")
    assert plan.source.tokenizer.name == "sentencepiece"
    assert plan.target.tokenizer.name == "characters"
