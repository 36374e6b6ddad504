"""`keras-seq2seq score`"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from math import isfinite
from typing import TextIO

import click

from keras_seq2seq.cli.input_output import count, open_output, read_aligned_lines
from keras_seq2seq.cli.options import WholeNumber, file_option


@click.command()
@click.option(
    "--model_dir", metavar="DIR", required=True, help="Model directory (the --output_dir of train)."
)
@file_option("--source", required=True, help="Source text, plain or .gz.")
@file_option("--target", required=True, help="Translations, line-aligned.")
@click.option("--output", metavar="FILE", help="File to write scores to.  [default: stdout]")
@click.option("--tokens", "with_tokens", is_flag=True, help="Also write the score of each token.")
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
    source: str,
    target: str,
    output: str | None,
    with_tokens: bool,
    as_json: bool,
    batch_size: int,
):
    """Compute the log-probabilities of given translations.

    Each output line has the log-probability of the translation in nats (end token included) and
    its number of tokens, separated by a tab; --tokens adds a column with the log-probability of
    each token. The total and the perplexity of all pairs without an empty side are written to
    standard error.
    """
    sources, targets = read_aligned_lines(source, target)
    with open_output(output) as file:
        from keras_seq2seq.cli.tensorflow_import import import_tensorflow

        import_tensorflow(batches_at_once=True)
        from keras_seq2seq.translator.scorer import CorpusScore, Scorer

        scores = Scorer.load(model_dir).stream(zip(sources, targets, strict=True), batch_size)
        if as_json:
            total = CorpusScore.of(_write_json_lines(file, scores))
            # JSON cannot represent NaN or infinity.
            perplexity = total.perplexity if isfinite(total.perplexity) else None
            corpus = {**asdict(total), "perplexity": perplexity}
            file.write(f'],\n"corpus": {json.dumps(corpus)}}}\n')
        else:
            total = CorpusScore.of(_write_lines(file, scores, with_tokens))
    if not as_json:
        click.echo(_describe(total, len(sources)), err=True)


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
        file.write(separator + json.dumps(asdict(score), ensure_ascii=False))
        separator = ",\n"
        yield score


def _describe(total, lines: int) -> str:
    left_out = lines - total.lines
    return (
        f"{count(total.lines, 'line')}, {count(total.tokens, 'token')}: "
        f"log-probability {total.log_probability:,.2f}, perplexity {total.perplexity:,.4f}"
        + (f"; skipped {count(left_out, 'line')} with an empty side" if left_out else "")
    )
