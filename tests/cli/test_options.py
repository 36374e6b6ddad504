import re
from typing import Annotated

import click
import pytest
from click.testing import CliRunner

from keras_seq2seq.cli.evaluate import evaluate
from keras_seq2seq.cli.main import cli
from keras_seq2seq.cli.options import decoding_options, pair_files, training_options
from keras_seq2seq.cli.train import train
from keras_seq2seq.cli.translate import translate
from keras_seq2seq.config import DECODING_OPTIONS, Config
from keras_seq2seq.config.decoding_flags import InferenceFlags
from keras_seq2seq.config.option_types import Option, PositiveInt
from keras_seq2seq.config.training_flags import TrainingFlags

OWN = {"model_dirs", "source", "output", "batch_size", "interactive", "prefix", "unk_mapping"}
OWN |= {
    "split_sentences",
    "source_column",
    "input_format",
    "output_format",
    "scores",
    "attention",
    "attention_dir",
    "beam_dir",
}


def test_every_option_of_decoding_has_a_flag():
    aliases = {"sampling_seed"}
    assert {option.name for option in translate.params} - OWN == DECODING_OPTIONS.keys() - aliases


def test_every_option_of_decoding_is_a_flag_of_evaluate():
    names = {option.name for option in evaluate.params}
    assert DECODING_OPTIONS.keys() <= names
    assert "unk_mapping" in names
    page = CliRunner().invoke(evaluate, ["--help"], terminal_width=80).output
    assert re.search(r"--seed N +Bootstrap random seed", page)
    assert re.search(r"--sampling_seed N +Random seed for sampling", page)


def test_every_option_of_the_configuration_is_a_flag_of_train():
    own = {"output_dir", "config_files", "hparams", "resume", "dry_run"}
    flags = Config.model_fields.keys() - {"hparams"}
    assert {option.name for option in train.params} - own == flags


@pytest.mark.parametrize(
    ("declarations", "add_options"),
    [(TrainingFlags, training_options), (InferenceFlags, decoding_options)],
)
def test_a_declaration_is_all_that_a_flag_needs(monkeypatch, declarations, add_options):
    annotation = Annotated[PositiveInt, Option("Number of examples.", aliases=("examples",))]
    monkeypatch.setitem(declarations.__annotations__, "num_examples", annotation)
    monkeypatch.setattr(declarations, "num_examples", 7, raising=False)

    @click.command()
    @add_options
    def show(num_examples, **_):
        click.echo(num_examples)

    run = CliRunner().invoke
    assert run(show, ["--num_examples=1e3"]).output == "1000.0\n"
    assert run(show, ["--examples=2"]).output == "2\n"
    assert run(show, []).output == "\n"
    page = run(show, ["--help"]).output
    assert "--num_examples, --examples N" in page
    default = "  [default: 7]" if declarations is TrainingFlags else ""
    assert f"Number of examples.{default}\n" in page


@pytest.mark.parametrize("command", cli.list_commands(None))
def test_help_fits_a_terminal(command):
    page = CliRunner().invoke(cli, [command, "--help"], env={"COLUMNS": "80"}).output
    assert [line for line in page.splitlines() if len(line) > 80] == []


def test_the_help_page_lists_names_values_and_defaults():
    page = CliRunner().invoke(train, ["--help"], terminal_width=80).output
    assert "--seed, --tf_random_seed N      Random seed.  [default: 1]\n" in page
    assert "--batch_type [sentences|tokens]\n" in page
    assert "--tensorboard_embeddings true|false\n" in page
    page = CliRunner().invoke(translate, ["--help"], terminal_width=80).output
    assert "--sample / --no_sample " in page
    assert "--max_length N " in page and "--max_decode_length" not in page


def test_repeated_files_of_both_sides_are_kept(capsys):
    flags = {"train_source": ("a", "b"), "train_target": ("c", "d"), "dev_source": None, "seed": 1}
    assert pair_files(flags) == flags
    assert pair_files({"train_source": ("a", "b"), "train_target": None})["train_source"][0] == "a"
    assert capsys.readouterr().err == ""


def test_otherwise_the_last_file_counts_as_for_other_flags(capsys):
    flags = {"dev_source": ("a", "b"), "dev_target": ("c",)}
    assert pair_files(flags) == {"dev_source": ("b",), "dev_target": ("c",)}
    assert capsys.readouterr().err == (
        "keras-seq2seq: warning: --dev_source and --dev_target are given 2 and 1 times; only the "
        "last of each is used (repeat both, or use a pattern)\n"
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("score --model_dir=a --model_dir=b", "--model_dir is given 2 times; expected one dir"),
        ("average --model_dir=a --model_dir=b", "--model_dir is given 2 times; expected one dir"),
        ("inspect --model_dir=a --model_dir=b", "--model_dir is given 2 times; expected one dir"),
        ("translate --prefix=a --prefix=b", "--prefix is given 2 times; expected one file."),
        ("translate --unk_mapping=a --unk_mapping=b", "--unk_mapping is given 2 times; expected"),
        ("evaluate --metrics=per --metrics=bleu", "--metrics is given 2 times; expected names se"),
    ],
)
def test_options_whose_values_cannot_be_combined_are_given_once(args, message):
    result = CliRunner().invoke(cli, args.split())
    assert result.exit_code == 2
    assert f"Error: {message}" in result.output


def test_banned_tokens_of_repeated_flags_are_combined():
    @click.command()
    @decoding_options
    def show(**options):
        click.echo(options["ban"])

    assert CliRunner().invoke(show, ["--ban", "a b", "--ban", "c"]).output == "a b c\n"
    assert CliRunner().invoke(show, []).output == "\n"
