"""`keras-seq2seq score`"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TextIO

import click

from keras_seq2seq.cli.input_output import (
    check_is_text,
    check_replaces_no_input,
    open_output,
    read_aligned_lines,
)
from keras_seq2seq.cli.options import (
    WholeNumber,
    column_option,
    file_option,
    input_format_option,
    model_dir_option,
)
from keras_seq2seq.cli.table_copy import TableCopy, open_table_copy
from keras_seq2seq.files.json_text import to_json
from keras_seq2seq.wording import count


@click.command()
@model_dir_option("Model directory (the --output_dir of train).", required=True)
@file_option("--source", help="Source text, plain, .gz, .zst or .xz.")
@file_option("--target", help="Translations, line-aligned.")
@file_option(
    "--data",
    help="Table (.tsv, .csv, .jsonl) with both sides, instead of --source and --target. The output "
    "is the table with columns log_probability and tokens.",
)
@column_option("--source_column", "Source column of --data, a name or a number starting with 1.")
@column_option("--target_column", "Target column of --data.")
@input_format_option()
@click.option("--output", metavar="FILE", help="File to write scores to.  [default: stdout]")
@click.option("--tokens", "with_tokens", is_flag=True, help="Also write token log-probabilities.")
@click.option("--json", "as_json", is_flag=True, help="Write a JSON document with all scores.")
@click.option(
    "--batch_size",
    type=WholeNumber(1),
    default=32,
    show_default=True,
    help="Sentence pairs per batch.",
)
def score(
    model_dir: str,
    source: str | None,
    target: str | None,
    data: str | None,
    source_column: str | int | None,
    target_column: str | int | None,
    input_format: str | None,
    output: str | None,
    with_tokens: bool,
    as_json: bool,
    batch_size: int,
):
    """Compute the log-probabilities of given translations.

    Each output line has the log-probability of the translation in nats (end token included) and
    its number of tokens, separated by a tab; --tokens adds a column with the log-probability of
    each token. With --data, the output is the table with these columns. The total and the
    perplexity of all pairs without an empty side are written to standard error.
    """
    check_replaces_no_input(output, source, target, data)
    if data is not None:
        if source is not None or target is not None or as_json:
            raise click.UsageError("--source, --target and --json have no effect with --data.")
        pairs = table = _open_pairs(data, source_column, target_column, input_format, with_tokens)
    else:
        _check_text(source, target, source_column, target_column, input_format)
        check_is_text("--data", source, target)
        table = None
        pairs = list(zip(*read_aligned_lines(source, target), strict=True))
    with open_output(output) as file:
        from keras_seq2seq.cli.tensorflow_import import import_tensorflow

        import_tensorflow(batches_at_once=True)
        from keras_seq2seq.translator.scorer import CorpusScore, Scorer

        scores = Scorer.load(model_dir).stream(pairs, batch_size)
        if as_json:
            total = CorpusScore.of(_write_json_lines(file, scores))
            corpus = {**asdict(total), "perplexity": total.perplexity}
            file.write(f'],\n"corpus": {to_json(corpus)}}}\n')
        elif table is not None:
            total = CorpusScore.of(_write_rows(file, table, scores, with_tokens))
        else:
            total = CorpusScore.of(_write_lines(file, scores, with_tokens))
    if not as_json:
        click.echo(_describe(total, len(pairs)), err=True)


def _check_text(source: str | None, target: str | None, *table_options: str | int | None):
    for name, value in (("--source", source), ("--target", target)):
        if value is None:
            raise click.UsageError(f"Missing option '{name}', or --data for a table.")
    if any(option is not None for option in table_options):
        raise click.UsageError(
            "--source_column, --target_column and --input_format need a table: --data."
        )


def _open_pairs(
    data: str,
    source: str | int | None,
    target: str | int | None,
    input_format: str | None,
    with_tokens: bool,
) -> TableCopy:
    if source is None or target is None:
        raise click.UsageError("--data needs --source_column and --target_column.")
    added = ["log_probability", "tokens", *(["token_log_probabilities"] if with_tokens else [])]
    table = open_table_copy(data, (source, target), input_format, added)
    if table is None:
        raise click.UsageError("--input_format text has no effect with --data; leave it out.")
    return table


def _write_rows(file: TextIO, table: TableCopy, scores: Iterator, with_tokens: bool) -> Iterator:
    """Writes the rows of a table with their scores as they arrive and yields the scores."""
    for score in scores:
        columns = {"log_probability": score.log_probability, "tokens": len(score.tokens)}
        if with_tokens:
            pairs = zip(score.tokens, score.token_log_probabilities, strict=True)
            columns["token_log_probabilities"] = list(pairs)
        table.write(file, columns)
        yield score


def _write_lines(file: TextIO, scores: Iterator, with_tokens: bool) -> Iterator:
    """Writes scores as they arrive and yields them."""
    for score in scores:
        columns = [f"{score.log_probability:.6f}", str(len(score.tokens))]
        if with_tokens:
            pairs = zip(score.tokens, score.token_log_probabilities, strict=True)
            columns.append(" ".join(f"{token}:{value:.6f}" for token, value in pairs))
        file.write("\t".join(columns) + "\n")
        yield score


def _write_json_lines(file: TextIO, scores: Iterator) -> Iterator:
    separator = '{"lines": [\n'
    for score in scores:
        file.write(separator + to_json(asdict(score)))
        separator = ",\n"
        yield score


def _describe(total, lines: int) -> str:
    left_out = lines - total.lines
    return (
        f"{count(total.lines, 'line')}, {count(total.tokens, 'token')}: "
        f"log-probability {total.log_probability:,.2f}, perplexity {total.perplexity:,.4f}"
        + (f"; skipped {count(left_out, 'line')} with an empty side" if left_out else "")
    )
