"""`keras-seq2seq average`"""

import click

from keras_seq2seq.cli.input_output import suggest_translate
from keras_seq2seq.cli.options import DirectoryName, WholeNumber, model_dir_option


@click.command()
@model_dir_option("Model directory (the --output_dir of train).", required=True)
@click.option("--last", type=WholeNumber(1), help="Number of most recent checkpoints to average.")
@click.option(
    "--best",
    type=WholeNumber(1),
    help="Number of best checkpoints to average, by the --best_metric of training.",
)
@click.option(
    "--output_dir",
    type=DirectoryName(),
    required=True,
    help="New directory for the averaged model.",
)
def average(model_dir: str, last: int | None, best: int | None, output_dir: str):
    """Average the weights of several checkpoints into a new model.

    The averaged model usually translates slightly better than each checkpoint. Without --last and
    --best, all checkpoints that training has kept are averaged.
    """
    if last is not None and best is not None:
        raise click.UsageError("Give either --last or --best.")
    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow()
    from keras_seq2seq.training import average_checkpoints

    steps = average_checkpoints(model_dir, output_dir, last=last, best=best)
    click.echo(
        f"Averaged the checkpoints from steps {', '.join(f'{step:,}' for step in steps)}.",
        err=True,
    )
    suggest_translate(output_dir)
