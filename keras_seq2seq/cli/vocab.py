"""`keras-seq2seq vocab`"""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from keras_seq2seq.cli.input_output import check_readable, open_output, read_text
from keras_seq2seq.cli.options import WholeNumber
from keras_seq2seq.special_tokens import MAX_TOKENS


@click.command()
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option("--output", metavar="FILE", help="File to write the tokens to.  [default: stdout]")
@click.option(
    "--size", type=WholeNumber(1, most=MAX_TOKENS), help="Maximum number of tokens.  [default: all]"
)
@click.option(
    "--min_frequency",
    type=WholeNumber(1, most=1_000_000_000),
    default=1,
    show_default=True,
    help="Minimum number of occurrences of a token.",
)
@click.option(
    "--tokenizer",
    default="whitespace",
    show_default=True,
    metavar="NAME",
    help="Tokenizer: whitespace or characters.",
)
def vocab(
    inputs: Sequence[str], output: str | None, size: int | None, min_frequency: int, tokenizer: str
):
    """Build a vocabulary from one or more text files, plain or .gz; - is standard input.

    Each output line has a token and its count, separated by a tab, with the most frequent tokens
    first.
    """
    from keras_seq2seq.text import get_tokenizer_class

    tokenizer_class = get_tokenizer_class(tokenizer)
    check_readable(*inputs)
    with open_output(output) as file:
        lines = _read_lines(inputs, tokenizer_class())
        tokenizer_class.build(lines, size, min_frequency).vocabulary.write(file)


def _read_lines(inputs: Sequence[str], tokenizer: Any) -> Iterator[str]:
    from keras_seq2seq.errors import UserError

    for path in inputs:
        has_tokens = False
        for line in read_text(path):
            has_tokens = has_tokens or bool(tokenizer.split(line))
            yield line
        if not has_tokens:
            raise UserError(f"{path}: no text; expected one sequence per line")
