"""`keras-seq2seq vocab`"""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from keras_seq2seq.cli.input_output import open_output
from keras_seq2seq.cli.options import WholeNumber


@click.command()
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option(
    "--output", metavar="FILE", help="Where the tokens are written.  [default: standard output]"
)
@click.option("--size", type=WholeNumber(1), help="Most tokens to keep.  [default: all]")
@click.option(
    "--min_frequency",
    type=WholeNumber(1),
    default=1,
    show_default=True,
    help="How often a token must occur to be kept.",
)
@click.option(
    "--tokenizer",
    default="whitespace",
    show_default=True,
    metavar="NAME",
    help="What a token is: whitespace (words between blanks) or characters.",
)
def vocab(
    inputs: Sequence[str], output: str | None, size: int | None, min_frequency: int, tokenizer: str
):
    """Collect the vocabulary of text files, plain or .gz.

    Writes one token a line with a tab and its count, the most frequent first. Several files make
    one vocabulary.
    """
    from keras_seq2seq.files import open_text
    from keras_seq2seq.text import get_tokenizer_class

    tokenizer_class = get_tokenizer_class(tokenizer)
    for path in inputs:
        # Fails before counting the tokens of the other files.
        open_text(path).close()
    with open_output(output) as file:
        lines = _read_lines(inputs, tokenizer_class())
        vocabulary = tokenizer_class.build(lines, size, min_frequency).vocabulary
        for token, count in zip(vocabulary.tokens, vocabulary.counts, strict=True):
            file.write(f"{token}\t{count}\n")


def _read_lines(inputs: Sequence[str], tokenizer: Any) -> Iterator[str]:
    from keras_seq2seq.errors import UserError
    from keras_seq2seq.files import read_lines

    for path in inputs:
        has_tokens = False
        for line in read_lines(path):
            has_tokens = has_tokens or bool(tokenizer.split(line))
            yield line
        if not has_tokens:
            raise UserError(f"{path}: no text; expected one sequence per line")
