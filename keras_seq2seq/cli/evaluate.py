"""`keras-seq2seq evaluate`"""

import json
from dataclasses import asdict
from typing import Any

import click

from keras_seq2seq.cli.input_output import open_output, read_aligned_lines
from keras_seq2seq.cli.options import WholeNumber
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import METRIC_NAMES, TOKENIZERS, parse_metric_names


@click.command()
@click.option(
    "--model_dir",
    "model_dirs",
    metavar="DIR",
    multiple=True,
    help="The --output_dir of `keras-seq2seq train`; give it again to compare models.",
)
@click.option("--source", metavar="FILE", help="What models translate, plain or .gz.")
@click.option(
    "--hypotheses",
    metavar="FILE",
    multiple=True,
    help="Translations, instead of a model; give it again to compare files.",
)
@click.option(
    "--target", metavar="FILE", required=True, help="What the translations should be, line by line."
)
@click.option(
    "--metrics",
    metavar="NAME,...",
    help=f"Out of {', '.join(METRIC_NAMES)} and, with a model, perplexity.  [default: all]",
)
@click.option(
    "--tokenize",
    metavar="NAME",
    default="13a",
    show_default=True,
    help=f"How BLEU cuts text into words: {', '.join(TOKENIZERS)}. Take none for tokenised text.",
)
@click.option("--lowercase", is_flag=True, help="Compare text in lower case.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--bootstrap_samples",
    type=WholeNumber(1),
    default=1000,
    show_default=True,
    help="Corpora drawn to compare systems.",
)
@click.option(
    "--seed", type=WholeNumber(1), default=12345, show_default=True, help="Seed of the drawing."
)
@click.option(
    "--batch_size",
    type=WholeNumber(1),
    default=32,
    show_default=True,
    help="Lines translated at once.",
)
def evaluate(
    model_dirs: tuple[str, ...],
    source: str | None,
    hypotheses: tuple[str, ...],
    target: str,
    metrics: str | None,
    as_json: bool,
    batch_size: int,
    **options: Any,
):
    """Measure how good translations are, those of models or those in files.

    Of several systems, each after the first is compared with the first one: p is the
    probability of such a difference by chance, by paired bootstrap.
    """
    _check_systems(model_dirs, source, hypotheses)
    known = (*METRIC_NAMES, "perplexity") if model_dirs else METRIC_NAMES
    if metrics and not model_dirs and "perplexity" in metrics.lower():
        raise UserError("perplexity needs a model: give --model_dir and --source, not --hypotheses")
    names = parse_metric_names(metrics if metrics is not None else known, known)
    if model_dirs:
        sources, references = read_aligned_lines(source, target)

        from keras_seq2seq.cli.tensorflow_import import import_tensorflow

        import_tensorflow(batches_at_once=True)
        from keras_seq2seq.training import evaluate_models

        systems = evaluate_models(
            model_dirs, sources, references, names, batch_size=batch_size, **options
        )
    else:
        from keras_seq2seq.evaluation import evaluate_systems

        references, *texts = read_aligned_lines(target, *hypotheses)
        systems = dict(zip(hypotheses, texts, strict=True))
        systems = evaluate_systems(systems, references, names, **options)
    with open_output(None) as file:
        if as_json:
            file.write(f"{_to_json(systems, len(references))}\n")
        else:
            from keras_seq2seq.cli.score_table import print_score_table

            print_score_table(systems, len(references), file)


def _check_systems(model_dirs: tuple[str, ...], source: str | None, hypotheses: tuple[str, ...]):
    if bool(model_dirs) == bool(hypotheses):
        raise click.UsageError("Give either --model_dir with --source, or --hypotheses.")
    if model_dirs and source is None:
        raise click.UsageError("--model_dir needs --source, the text to translate.")
    if hypotheses and source is not None:
        raise click.UsageError("--source has no effect with --hypotheses; leave it out.")
    systems = model_dirs or hypotheses
    for system in systems:
        if systems.count(system) > 1:
            raise UserError(f"{system}: given twice; a system is not compared with itself")


def _to_json(systems: dict, lines: int) -> str:
    """Returns what is known of each score; what only a comparison gives is left out elsewhere."""
    rows = []
    for name, scores in systems.items():
        scores = {metric: asdict(score) for metric, score in scores.items()}
        scores = {
            metric: {key: value for key, value in score.items() if value is not None}
            for metric, score in scores.items()
        }
        rows.append({"name": name, "scores": scores})
    return json.dumps({"lines": lines, "systems": rows}, ensure_ascii=False, indent=2)
