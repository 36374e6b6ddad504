"""`keras-seq2seq data`"""

import click

from keras_seq2seq.cli.options import WholeNumber

PAIRS = {"type": WholeNumber(1), "show_default": True}


@click.command()
@click.argument("task", type=click.Choice(["copy", "reverse", "dates"]))
@click.argument("directory", metavar="DIR")
@click.option("--train", **PAIRS, default=10_000, help="Training pairs.")
@click.option("--dev", **PAIRS, default=1_000, help="Dev pairs.")
@click.option("--test", **PAIRS, default=1_000, help="Test pairs.")
@click.option(
    "--vocabulary_size",
    type=WholeNumber(2),
    help="Symbols of copy and reverse.  [default: 20]",
)
@click.option(
    "--max_length",
    type=WholeNumber(1),
    help="Longest sequence of copy and reverse.  [default: 20]",
)
@click.option(
    "--seed", type=WholeNumber(0), default=0, show_default=True, help="Another seed, other pairs."
)
@click.option("--overwrite", is_flag=True, help="Replace the files of an earlier run.")
def data(task: str, directory: str, **options: int | bool | None):
    """Write a task to practise on into DIR.

    \b
    copy      a sequence of symbols, to be written again
    reverse   a sequence of symbols, to be written backwards
    dates     English dates of many forms, to be written as 1998-03-03

    Makes DIR/{train,dev,test}/{sources,targets}.txt and DIR/vocab.{sources,targets}.txt.
    """
    from keras_seq2seq.data import write_corpus

    for path in write_corpus(task, directory, **options):
        click.echo(path)
