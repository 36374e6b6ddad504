"""`keras-seq2seq score`"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from math import isfinite
from typing import TextIO

import click

from keras_seq2seq.cli.input_output import open_output, read_aligned_lines
from keras_seq2seq.cli.options import WholeNumber


@click.command()
@click.option(
    "--model_dir", metavar="DIR", required=True, help="The --output_dir of `keras-seq2seq train`."
)
@click.option("--source", metavar="FILE", required=True, help="Text, plain or .gz.")
@click.option("--target", metavar="FILE", required=True, help="Its translations, line by line.")
@click.option(
    "--output", metavar="FILE", help="Where scores are written.  [default: standard output]"
)
@click.option("--tokens", "with_tokens", is_flag=True, help="Write each token with its score.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document of everything.")
@click.option(
    "--batch_size",
    type=WholeNumber(1),
    default=32,
    show_default=True,
    help="Lines scored at once.",
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
    """Tell how likely a model finds given translations.

    Writes for each line its log-probability (in nats, the end of the line included), a tab and
    the number of its tokens; with --tokens a tab and each token with its own log-probability.
    The total and the perplexity of all lines with text on both sides go to standard error.
    """
    sources, targets = read_aligned_lines(source, target)
    with open_output(output) as file:
        from keras_seq2seq.cli.tensorflow_import import import_tensorflow

        import_tensorflow(batches_at_once=True)
        from keras_seq2seq.translator.scorer import CorpusScore, Scorer

        scores = Scorer.load(model_dir).stream(zip(sources, targets, strict=True), batch_size)
        if as_json:
            total = CorpusScore.of(_write_json_lines(file, scores))
            # JSON has no way to write that there is none.
            perplexity = total.perplexity if isfinite(total.perplexity) else None
            corpus = {**asdict(total), "perplexity": perplexity}
            file.write(f'],\n"corpus": {json.dumps(corpus)}}}\n')
        else:
            total = CorpusScore.of(_write_lines(file, scores, with_tokens))
    if not as_json:
        click.echo(_describe(total, len(sources)), err=True)


def _write_lines(file: TextIO, scores: Iterator, with_tokens: bool) -> Iterator:
    """Writes scores as they come, and yields them on."""
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
        f"{total.lines:,} lines, {total.tokens:,} tokens: "
        f"log-probability {total.log_probability:,.2f}, perplexity {total.perplexity:,.4f}"
        + (f"; {left_out:,} with an empty side left out" if left_out else "")
    )
