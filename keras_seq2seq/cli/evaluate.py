"""`keras-seq2seq evaluate`"""

from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

import click

from keras_seq2seq.cli.input_output import (
    STANDARD_STREAM,
    check_is_text,
    open_output,
    open_table,
    read_aligned_lines,
)
from keras_seq2seq.cli.options import (
    WholeNumber,
    column_option,
    decoding_options,
    file_option,
    model_dirs_option,
    names_option,
    unk_mapping_option,
)
from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.evaluation import (
    COMET,
    COMET_MODEL,
    DEFAULT_METRICS,
    METRIC_NAMES,
    PERPLEXITY,
    REGARDLESS_OF_CASE,
    TOKENIZERS,
    combine_references,
    group_by_source,
    parse_metric_names,
)
from keras_seq2seq.files.json_text import to_json
from keras_seq2seq.wording import count


class TextToEvaluate(NamedTuple):
    """The text that `evaluate` reads.

    Attributes:
        sources: The sources, or `None`.
        references: The list of references of each source.
        hypotheses: The translations of each system.
    """

    sources: list[str] | None
    references: list[list[str]]
    hypotheses: list[list[str]]


class TableToEvaluate(NamedTuple):
    """A table with sources and references.

    Attributes:
        path: The file.
        columns: The columns to read: that of the sources first, if `has_source`, then those of the
            references. `None` means the default columns of a `Table`.
        has_source: Whether sources are needed.
    """

    path: str
    columns: tuple[str | int, ...] | None
    has_source: bool


def read_text_to_evaluate(
    source: str | None,
    targets: tuple[str, ...],
    hypotheses: tuple[str, ...],
    group: bool,
    table: TableToEvaluate | None = None,
) -> TextToEvaluate:
    """Reads line-aligned files of sources, references and translations.

    Args:
        source: The file of the sources, if any.
        targets: The files of the references.
        hypotheses: The files of the translations.
        group: Whether to evaluate each distinct source once, with all its references.
        table: A table to read in place of the files of sources and references.

    Returns:
        The text.

    Raises:
        UserError: If a file cannot be read or is empty, or if the numbers of lines differ.
    """
    check_is_text("plain text with one translation per line", *hypotheses)
    if table is None:
        paths = [*([] if source is None else [source]), *targets]
        check_is_text("--data", *paths)
        paths += hypotheses
        texts = read_aligned_lines(*paths)
        sources = None if source is None else texts.pop(0)
    else:
        texts = _read_columns(table)
        sources = texts.pop(0) if table.has_source else None
        texts += _read_hypotheses(hypotheses, table.path, len(texts[0]))
    references = combine_references(texts[: len(texts) - len(hypotheses)])
    translations = texts[len(texts) - len(hypotheses) :]
    if group:
        sources, references, first = group_by_source(sources, references)
        translations = [[lines[index] for index in first] for lines in translations]
    return TextToEvaluate(sources, references, translations)


def _read_columns(table: TableToEvaluate) -> list[list[str]]:
    from keras_seq2seq.files.tables import UnchosenColumnsError

    try:
        rows = [row.values for row in open_table(table.path, table.columns, None)]
    except UnchosenColumnsError as error:
        if table.has_source:
            raise
        raise UserError(f"{error.found}; choose the references with --target_column") from None
    columns = list(map(list, zip(*rows, strict=True)))
    # The default columns are those of the sources and the references.
    return columns if table.has_source or table.columns else columns[1:]


def _read_hypotheses(hypotheses: tuple[str, ...], table: str, rows: int) -> list[list[str]]:
    if not hypotheses:
        return []
    texts = read_aligned_lines(*hypotheses)
    if len(texts[0]) != rows:
        raise UserError(
            f"{table} has {count(rows, 'row')}, but {hypotheses[0]} has "
            f"{count(len(texts[0]), 'line')}; expected one line per row"
        )
    return texts


@click.command(epilog="Omitted decoding flags default to the model's inference.* options.")
@model_dirs_option(
    "Model directory (the --output_dir of train); repeat to compare models.",
)
@file_option("--source", help="Source text, plain, .gz, .zst or .xz.")
@click.option(
    "--hypotheses",
    metavar="FILE",
    multiple=True,
    help="Translations to evaluate, instead of a model; repeat to compare files.",
)
@click.option(
    "--target",
    "targets",
    metavar="FILE",
    multiple=True,
    help="Reference translations, line-aligned; repeat for several references per line.",
)
@file_option(
    "--data",
    help="Table with sources and references, instead of --source and --target; .tsv, .csv, "
    ".jsonl, .parquet or .tfrecord.",
)
@column_option(
    "--source_column",
    "Source column of --data, a name or a number starting with 1.  [default: source, or the first "
    "of two]",
)
@column_option(
    "--target_column",
    "Reference column of --data; repeat for several.  [default: target, or the second of two]",
    "target_columns",
    multiple=True,
)
@click.option(
    "--group_by_source",
    "group",
    is_flag=True,
    help="Evaluate each distinct source line once, with the target lines of all its occurrences as "
    "references, as in pronunciation dictionaries.",
)
@names_option(
    "--metrics",
    help=f"Metrics: {', '.join(METRIC_NAMES)}, {COMET} and, for models, {PERPLEXITY}.  [default: "
    f"{', '.join(DEFAULT_METRICS)} and, for models, {PERPLEXITY}]",
)
@click.option(
    "--comet_model",
    metavar="NAME",
    help=f"Name or checkpoint file of the COMET model.  [default: {COMET_MODEL}]",
)
@click.option(
    "--tokenize",
    metavar="NAME",
    default="13a",
    show_default=True,
    help=f"Tokenizer of BLEU: {', '.join(TOKENIZERS)}. Use none if the text is tokenized already.",
)
@click.option("--lowercase", is_flag=True, help="Convert text to lowercase first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--bootstrap_samples",
    type=WholeNumber(1, most=100_000),
    default=1000,
    show_default=True,
    help="Number of bootstrap samples for comparing systems.",
)
@click.option(
    "--seed",
    type=WholeNumber(1, most=2**32 - 1),
    default=12345,
    show_default=True,
    help="Bootstrap random seed.",
)
@click.option(
    "--batch_size",
    type=WholeNumber(1),
    default=32,
    show_default=True,
    help="Sentences per batch.",
)
# `--seed` is the seed of the bootstrap samples.
@partial(decoding_options, taken=("seed",))
@unk_mapping_option()
@click.pass_context
def evaluate(
    ctx: click.Context,
    model_dirs: tuple[str, ...],
    source: str | None,
    hypotheses: tuple[str, ...],
    targets: tuple[str, ...],
    data: str | None,
    source_column: str | int | None,
    target_columns: tuple[str | int, ...],
    group: bool,
    metrics: str | None,
    comet_model: str | None,
    as_json: bool,
    batch_size: int,
    tokenize: str,
    lowercase: bool,
    bootstrap_samples: int,
    seed: int,
    **decoding: Any,
):
    """Evaluate models or files of translations.

    If there are several systems, each is compared with the first one: p is the p-value of the
    difference according to paired bootstrap resampling.
    """
    _check_systems(model_dirs, hypotheses)
    names = _parse_metrics(metrics, bool(model_dirs))
    if comet_model is not None and COMET not in names:
        raise click.UsageError(f"--comet_model has no effect without --metrics {COMET}.")
    needs_source = bool(model_dirs) or group or COMET in names
    table = _choose_table(data, source_column, target_columns, needs_source)
    if table is None:
        if not targets:
            raise click.UsageError("Missing option '--target', or --data for a table.")
        _check_source(model_dirs, source, needs_source)
    elif source is not None or targets:
        raise click.UsageError("--data cannot be combined with --source and --target.")
    if hypotheses:
        _check_no_decoding(decoding)
    _check_effects(ctx, names, bool(model_dirs), max(len(model_dirs), len(hypotheses)))
    sources, references, translations = read_text_to_evaluate(
        source, targets, hypotheses, group, table
    )
    options = {
        "tokenize": tokenize,
        "lowercase": lowercase,
        "comet_model": comet_model or COMET_MODEL,
        "bootstrap_samples": bootstrap_samples,
        "seed": seed,
    }
    if model_dirs:
        from keras_seq2seq.cli.tensorflow_import import import_tensorflow

        import_tensorflow(batches_at_once=True)
        from keras_seq2seq.training import evaluate_models

        systems = evaluate_models(
            model_dirs,
            sources,
            references,
            names,
            batch_size=batch_size,
            decoding=decoding,
            **options,
        )
    else:
        from keras_seq2seq.evaluation import evaluate_systems

        systems = dict(zip(hypotheses, translations, strict=True))
        try:
            systems = evaluate_systems(systems, references, names, sources=sources, **options)
        except MemoryError:
            raise RunError("out of memory; evaluate fewer lines at once") from None
    with open_output(None) as file:
        if as_json:
            file.write(f"{_to_json(systems, len(references))}\n")
        else:
            from keras_seq2seq.cli.score_table import print_score_table

            print_score_table(systems, _describe_lines(references), file)


def _describe_lines(references: list[str] | list[list[str]]) -> str:
    """Returns the number of lines, and of the references of each if some have several."""
    numbers = [1 if isinstance(line, str) else len(line) for line in references]
    lines = count(len(numbers), "line")
    if max(numbers, default=1) == 1:
        return lines
    least, most = min(numbers), max(numbers)
    return f"{lines}, {most if least == most else f'{least} to {most}'} references each"


def _check_systems(model_dirs: tuple[str, ...], hypotheses: tuple[str, ...]):
    if bool(model_dirs) == bool(hypotheses):
        raise click.UsageError("Give either --model_dir with --source, or --hypotheses.")
    systems = model_dirs or hypotheses
    for system in systems:
        if systems.count(system) > 1:
            raise UserError(f"{system}: given twice; expected different systems")


def _parse_metrics(metrics: str | None, has_model: bool) -> tuple[str, ...]:
    if metrics is None:
        return (*DEFAULT_METRICS, PERPLEXITY) if has_model else DEFAULT_METRICS
    if not has_model and PERPLEXITY in metrics.lower():
        raise UserError("perplexity needs a model: use --model_dir with --source, not --hypotheses")
    known = (*METRIC_NAMES, COMET)
    return parse_metric_names(metrics, (*known, PERPLEXITY) if has_model else known)


def _choose_table(
    data: str | None,
    source_column: str | int | None,
    target_columns: tuple[str | int, ...],
    needs_source: bool,
) -> TableToEvaluate | None:
    has_columns = source_column is not None or bool(target_columns)
    if data is None:
        if has_columns:
            raise click.UsageError("--source_column and --target_column need --data.")
        return None
    if data == STANDARD_STREAM:
        raise click.UsageError(
            "--data cannot be standard input; write the table to a file, such as pairs.tsv."
        )
    if not needs_source:
        if source_column is not None:
            raise click.UsageError("--source_column has no effect with --hypotheses; leave it out.")
        return TableToEvaluate(data, target_columns or None, has_source=False)
    if has_columns and (source_column is None or not target_columns):
        raise click.UsageError("Give both --source_column and --target_column, or neither.")
    columns = (source_column, *target_columns) if has_columns else None
    return TableToEvaluate(data, columns, has_source=True)


def _check_source(model_dirs: tuple[str, ...], source: str | None, needed: bool):
    if source is None:
        if model_dirs:
            raise click.UsageError("--model_dir needs --source, the text to translate.")
        if needed:
            raise click.UsageError(f"--group_by_source and --metrics {COMET} need --source.")
    elif not needed:
        raise click.UsageError("--source has no effect with --hypotheses; leave it out.")


def _check_no_decoding(decoding: dict[str, Any]):
    for flag, value in decoding.items():
        if value is not None:
            raise click.UsageError(f"--{flag} has no effect with --hypotheses; leave it out.")


def _check_effects(ctx: click.Context, names: tuple[str, ...], has_model: bool, systems: int):
    """Checks that the options with a default have an effect if they are given.

    A seed may be given for results that do not depend on it.
    """
    reasons = {}
    if "bleu" not in names:
        reasons["tokenize"] = "without --metrics bleu"
    if REGARDLESS_OF_CASE.issuperset(names):
        reasons["lowercase"] = f"with --metrics {','.join(names)}"
    if systems == 1:
        reasons["bootstrap_samples"] = "with a single system"
    elif names == (PERPLEXITY,):
        reasons["bootstrap_samples"] = f"with --metrics {PERPLEXITY}"
    if not has_model:
        reasons["batch_size"] = "with --hypotheses"
    for name, reason in reasons.items():
        if ctx.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} has no effect {reason}; leave it out.")


def _to_json(systems: dict, lines: int) -> str:
    """Returns all scores as JSON, without the fields that are not set."""
    rows = []
    for name, scores in systems.items():
        scores = {metric: asdict(score) for metric, score in scores.items()}
        scores = {
            metric: {key: value for key, value in score.items() if value is not None}
            for metric, score in scores.items()
        }
        rows.append({"name": name, "scores": scores})
    return to_json({"lines": lines, "systems": rows}, indent=2)
