"""`keras-seq2seq inspect`"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from keras_seq2seq.cli.input_output import (
    STANDARD_STREAM,
    check_output,
    check_replaces_no_input,
    open_output,
)
from keras_seq2seq.cli.options import (
    WholeNumber,
    config_options,
    model_dir_option,
    pair_files,
    training_options,
)
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.json_text import to_json

if TYPE_CHECKING:
    from keras_seq2seq.config import Config
    from keras_seq2seq.data.inspection import Inspection, PaddingEstimate
    from keras_seq2seq.data.pairs import Pairs
    from keras_seq2seq.text import Tokenizer

_DATA_FLAGS = (
    "train_source",
    "train_target",
    "train_data",
    "source_column",
    "target_column",
    "vocab_source",
    "vocab_target",
    "batch_size",
    "batch_type",
    "buckets",
    "bucket_batch_sizes",
)

# Proposing buckets for longer sequences can take a minute.
_LONGEST_TO_BUCKET = 1000

# Number of pairs that decide which tokenizer training would choose.
_SAMPLE_SIZE = 20_000


@click.command()
@partial(training_options, names=_DATA_FLAGS)
@config_options(
    "YAML file with any of the flags of train; may be repeated.",
    "Tokenizer, length and filter options, such as source.tokenizer=words, "
    "source.max_seq_len=50 or filter.duplicates=true.",
)
@model_dir_option("Model directory whose tokenizers and maximum lengths to use.")
@click.option(
    "--examples",
    type=WholeNumber(1, most=1000),
    default=5,
    show_default=True,
    help="Number of lines and tokens in each list of examples.",
)
@click.option("--output", metavar="FILE", help="HTML page to write, with plots.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def inspect(
    config_files: tuple[str, ...],
    hparams: tuple[str, ...],
    model_dir: str | None,
    examples: int,
    output: str | None,
    as_json: bool,
    **flags: Any,
):
    """Report the lengths, padding, unknown tokens and unusual lines of parallel text.

    The flags are those of train. Pairs that filter.* excludes are counted, but not part of the
    other statistics. Unlike train, inspect builds no vocabulary: for a side without one, unknown
    tokens are not counted.
    """
    from keras_seq2seq.config import input_files, resolve_config

    config = resolve_config(config_files, pair_files(flags), ",".join(hparams))
    _check_data(config)
    if output == STANDARD_STREAM and as_json:
        raise click.UsageError("--json has no effect with --output -; leave one of them out.")
    check_replaces_no_input(output, *config_files, *input_files(config))
    check_output(output)

    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq.building.data import open_pairs
    from keras_seq2seq.building.filters import make_length_filters, make_text_filters
    from keras_seq2seq.data.filters import FilteredPairs
    from keras_seq2seq.data.inspection import inspect_pairs

    config, tokenizers = _load_tokenizers(config, model_dir)
    limits = config.hparams.source.max_seq_len, config.hparams.target.max_seq_len
    text, filters = open_pairs(config, "train"), make_text_filters(config)
    if model_dir is None:
        _report_other_tokenizers(config, FilteredPairs(text, filters))
    filters += make_length_filters(config, *tokenizers)
    pairs = FilteredPairs(text, filters) if filters else text
    report = inspect_pairs(pairs, None, *tokenizers, *limits, examples)
    padding = _estimate_padding(config, report)
    if output is not None:
        from keras_seq2seq.plots.inspection_page import write_inspection_page

        with open_output(output) as file:
            write_inspection_page(file, report, padding)
        # The page may have been written to standard output.
        if output == STANDARD_STREAM:
            return
    with open_output(None) as file:
        if as_json:
            values = report.to_dict() | {"padding": list(map(asdict, padding))}
            file.write(f"{to_json(values, indent=2)}\n")
        else:
            from keras_seq2seq.cli.inspection_report import print_inspection

            print_inspection(report, padding, file)


def _check_data(config: Config):
    if config.train_data is None:
        for name in ("train_source", "train_target"):
            if getattr(config, name) is None:
                raise UserError(f"{name} is not set; use --{name}, or --train_data for a table")


def _load_tokenizers(
    config: Config, model_dir: str | None
) -> tuple[Config, tuple[Tokenizer, Tokenizer]]:
    """Returns the tokenizers, and the configuration with the maximum lengths of the model."""
    if model_dir is None:
        for side in ("source", "target"):
            _check_vocabulary(config, side)
        from keras_seq2seq.building.data import build_tokenizers

        return config, build_tokenizers(config)

    from keras_seq2seq.model_directory import ModelDirectory

    for name in ("vocab_source", "vocab_target"):
        if getattr(config, name) is not None:
            raise UserError(f"{name}: has no effect with --model_dir; leave it out")
    if config.hparams.model_fields_set & {"source", "target"}:
        raise UserError(
            "hparams: source and target have no effect with --model_dir; leave them out"
        )
    directory = ModelDirectory(model_dir)
    stored = directory.load_config().with_hparams(filter=config.hparams.filter)
    return config.model_copy(update={"hparams": stored.hparams}), directory.load_tokenizers()


def _check_vocabulary(config: Config, side: str):
    from keras_seq2seq.config.text_options import tokenizer_name
    from keras_seq2seq.text import Tokenizer, get_tokenizer_class

    name = tokenizer_name(config, side)
    suffix = get_tokenizer_class(name).vocabulary_suffix
    if getattr(config, f"vocab_{side}") is None and suffix not in (
        None,
        Tokenizer.vocabulary_suffix,
    ):
        raise UserError(f"{side}.tokenizer={name} needs --vocab_{side}, a file NAME{suffix}")


def _report_other_tokenizers(config: Config, pairs: Pairs):
    """Reports for which sides training would choose another tokenizer than whitespace."""
    from keras_seq2seq.data.dev_split import draw_sample
    from keras_seq2seq.text import choose_tokenizer

    sides = {
        side: index
        for index, side in enumerate(("source", "target"))
        if getattr(config, f"vocab_{side}") is None
        and getattr(config.hparams, side).tokenizer is None
    }
    if not sides:
        return
    lines = list(zip(*draw_sample(pairs, _SAMPLE_SIZE), strict=True))
    for side, index in sides.items():
        name, kind = choose_tokenizer(lines[index])
        if name != "whitespace":
            click.echo(
                f"{side}: split at white space, but train would choose the tokenizer {name} for "
                f"{kind}; to count its tokens, set {side}.tokenizer and, unless it needs none, "
                f"--vocab_{side}",
                err=True,
            )


def _estimate_padding(config: Config, report: Inspection) -> list[PaddingEstimate]:
    from keras_seq2seq.building.data import make_batching
    from keras_seq2seq.data.inspection import PaddingEstimate

    choices = {"one bucket": ()}
    if config.buckets not in ((), "auto"):
        choices["given"] = config.buckets
    if max(map(max, report.lengths)) <= _LONGEST_TO_BUCKET:
        choices["proposed"] = "auto"
    estimates = []
    for name, buckets in choices.items():
        is_given = name == "given"
        sizes = config.bucket_batch_sizes if is_given else ()
        choice = config.model_copy(update={"buckets": buckets, "bucket_batch_sizes": sizes})
        batching = make_batching(choice, report)
        estimates.append(PaddingEstimate.of(name, batching, report.lengths))
    return estimates
