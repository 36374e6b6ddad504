"""`keras-seq2seq evaluate`"""

import json
from dataclasses import asdict
from typing import Any

import click

from keras_seq2seq.cli.input_output import open_output, read_aligned_lines
from keras_seq2seq.cli.options import WholeNumber, file_option
from keras_seq2seq.errors import UserError
from keras_seq2seq.evaluation import METRIC_NAMES, TOKENIZERS, parse_metric_names


@click.command()
@click.option(
    "--model_dir",
    "model_dirs",
    metavar="DIR",
    multiple=True,
    help="Model directory (the --output_dir of train); repeat to compare models.",
)
@file_option("--source", help="Text for the models to translate, plain or .gz.")
@click.option(
    "--hypotheses",
    metavar="FILE",
    multiple=True,
    help="Translations to evaluate, instead of a model; repeat to compare files.",
)
@file_option("--target", required=True, help="Reference translations, line-aligned.")
@click.option(
    "--metrics",
    metavar="NAME,...",
    help=f"Metrics: {', '.join(METRIC_NAMES)} and, for models, perplexity.  [default: all]",
)
@click.option(
    "--tokenize",
    metavar="NAME",
    default="13a",
    show_default=True,
    help=f"Tokenizer of BLEU: {', '.join(TOKENIZERS)}. Use none if the text is tokenized already.",
)
@click.option("--lowercase", is_flag=True, help="Convert text to lower case first.")
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
    """Evaluate models or files of translations.

    If there are several systems, each is compared with the first one: p is the p-value of the
    difference according to paired bootstrap resampling.
    """
    _check_systems(model_dirs, source, hypotheses)
    known = (*METRIC_NAMES, "perplexity") if model_dirs else METRIC_NAMES
    if metrics and not model_dirs and "perplexity" in metrics.lower():
        raise UserError("perplexity needs a model: use --model_dir with --source, not --hypotheses")
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
            raise UserError(f"{system}: given twice; expected different systems")


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
    return json.dumps({"lines": lines, "systems": rows}, ensure_ascii=False, indent=2)
