"""`keras-seq2seq data`"""

import click

from keras_seq2seq.cli.options import WholeNumber

PAIRS = {"type": WholeNumber(1, most=1_000_000_000), "show_default": True}


@click.command()
@click.argument("task", type=click.Choice(["copy", "reverse", "dates"]))
@click.argument("directory", metavar="DIR")
@click.option("--train", **PAIRS, default=10_000, help="Number of training pairs.")
@click.option("--dev", **PAIRS, default=1_000, help="Number of dev pairs.")
@click.option("--test", **PAIRS, default=1_000, help="Number of test pairs.")
@click.option(
    "--vocabulary_size",
    type=WholeNumber(2),
    help="Number of distinct symbols in copy and reverse.  [default: 20]",
)
@click.option(
    "--max_length",
    type=WholeNumber(1),
    help="Maximum sequence length in copy and reverse.  [default: 20]",
)
@click.option(
    "--seed", type=WholeNumber(0, most=2**32 - 1), default=0, show_default=True, help="Random seed."
)
@click.option("--overwrite", is_flag=True, help="Overwrite files from an earlier run.")
def data(task: str, directory: str, **options: int | bool | None):
    """Generate a toy dataset in DIR.

    \b
    copy      copy a sequence of symbols
    reverse   reverse a sequence of symbols
    dates     convert English dates to the form 1998-03-03

    Writes DIR/{train,dev,test}/{sources,targets}.txt and DIR/vocab.{sources,targets}.txt.
    """
    from keras_seq2seq.data import write_corpus

    for path in write_corpus(task, directory, **options):
        click.echo(path)
