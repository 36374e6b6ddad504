"""`keras-seq2seq data`"""

import click

from keras_seq2seq.cli.options import DirectoryName, WholeNumber
from keras_seq2seq.wording import count

CMUDICT = "cmudict"


def _pairs_option(part: str, default: int):
    return click.option(
        f"--{part}",
        type=WholeNumber(1, most=1_000_000_000),
        help=f"Number of {part}{'ing' if part == 'train' else ''} pairs.  [default: {default}]",
    )


@click.command()
@click.argument("task", type=click.Choice(["copy", "reverse", "dates", CMUDICT]))
@click.argument("directory", metavar="DIR", type=DirectoryName())
@_pairs_option("train", 10_000)
@_pairs_option("dev", 1_000)
@_pairs_option("test", 1_000)
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
@click.option("--seed", type=WholeNumber(0, most=2**32 - 1), help="Random seed.  [default: 0]")
@click.option(
    "--stress/--no_stress",
    default=None,
    help="Keep the stress of vowels in cmudict, as in AH0.  [default: no_stress]",
)
@click.option("--overwrite", is_flag=True, help="Overwrite existing files.")
def data(task: str, directory: str, stress: bool | None, overwrite: bool, **options: int | None):
    """Write a dataset to DIR.

    \b
    copy      copy a sequence of symbols
    reverse   reverse a sequence of symbols
    dates     convert English dates to the form 1998-03-03
    cmudict   pronounce English words (CMU Dictionary)

    Writes DIR/{train,dev,test}/{sources,targets}.txt and DIR/vocab.{sources,targets}.txt.

    Sizes and seed apply to the first three tasks, which are generated. The split of cmudict is
    fixed: 90 % of the words for training, and 5 % each for dev and test. A word's pronunciations
    are always in the same set.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if task == CMUDICT:
        for name in given:
            raise click.UsageError(f"--{name} has no effect with {CMUDICT}; leave it out.")
        _write_cmudict(directory, bool(stress), overwrite)
        return
    if stress is not None:
        raise click.UsageError(f"--stress has no effect with {task}; leave it out.")

    from keras_seq2seq.data import write_corpus

    for path in write_corpus(task, directory, overwrite=overwrite, **given):
        click.echo(path)


def _write_cmudict(directory: str, stress: bool, overwrite: bool):
    from keras_seq2seq.data import write_cmudict

    summary = write_cmudict(directory, stress=stress, overwrite=overwrite)
    for path in summary.paths:
        click.echo(path)
    for part, words in summary.words.items():
        pronunciations = summary.pronunciations[part]
        click.echo(f"{part}: {count(words, 'word')}, {count(pronunciations, 'pair')}", err=True)
    if summary.skipped:
        examples = " ".join(summary.skipped[:3])
        click.echo(
            f"skipped {count(len(summary.skipped), 'word')} without phones or with characters "
            f"other than a-z ' - . (such as {examples})",
            err=True,
        )
