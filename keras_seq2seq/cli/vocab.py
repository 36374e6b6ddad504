"""`keras-seq2seq vocab`"""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from keras_seq2seq.cli.input_output import (
    STANDARD_STREAM,
    check_is_text,
    check_output,
    check_readable,
    check_replaces_no_input,
    open_output,
    read_text,
    warnings_in_lines,
)
from keras_seq2seq.cli.options import RealNumber, WholeNumber, column_option
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.reading import check_not_empty
from keras_seq2seq.special_tokens import MAX_TOKENS

# The options of one kind of tokenizer; using them with the other kind is an error.
_COUNT_OPTIONS = ("min_frequency",)
_MODEL_OPTIONS = (
    "model_type",
    "byte_fallback",
    "character_coverage",
    "user_defined_symbols",
    "normalization",
)


@click.command()
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option(
    "--output",
    metavar="FILE",
    help="File to write the tokens to; for sentencepiece, NAME to write NAME.model.  "
    "[default: stdout]",
)
@column_option(
    "--column",
    "Column of the tables (.tsv, .csv, .jsonl, .parquet or .tfrecord), a name or a number.",
)
@click.option(
    "--size",
    type=WholeNumber(1, most=MAX_TOKENS),
    help="Maximum number of tokens.  [default: all, or 8000 for sentencepiece]",
)
@click.option(
    "--max_vocab_size",
    type=WholeNumber(1, most=MAX_TOKENS),
    help="Alias of --size, as in google/seq2seq.",
)
@click.option(
    "--min_frequency",
    type=WholeNumber(1, most=1_000_000_000),
    help="Minimum number of occurrences of a token.  [default: 1]",
)
@click.option(
    "--tokenizer",
    metavar="NAME",
    help="Tokenizer: whitespace, characters, words or sentencepiece.  [default: whitespace]",
)
@click.option(
    "--delimiter",
    metavar="TEXT",
    help='Split lines at this string, as in google/seq2seq; "" splits into characters.',
)
@click.option("--lowercase", "--downcase", is_flag=True, help="Convert text to lowercase.")
@click.option(
    "--model_type", metavar="TYPE", help="sentencepiece: unigram or bpe.  [default: unigram]"
)
@click.option(
    "--byte_fallback/--no_byte_fallback",
    default=None,
    help="sentencepiece: split rare characters into bytes.  [default: byte_fallback]",
)
@click.option(
    "--character_coverage",
    type=RealNumber(0.98, 1),
    help="sentencepiece: fraction of characters covered, from 0.98 to 1.  [default: 0.9995]",
)
@click.option(
    "--user_defined_symbols",
    metavar="TEXT,...",
    help="sentencepiece: strings that are always one piece.",
)
@click.option(
    "--normalization",
    metavar="NAME",
    help="sentencepiece: identity, nfkc, nfkc_cf, nmt_nfkc or nmt_nfkc_cf.  [default: identity]",
)
def vocab(inputs: Sequence[str], output: str | None, column: str | int | None, **options: Any):
    """Build a vocabulary from text files, or from a column of tables.

    INPUT is a file, plain, .gz, .zst or .xz, or - for standard input.

    Each output line has a token and its count, separated by a tab, with the most frequent tokens
    first. With --tokenizer=sentencepiece, the output is a single model trained on all files.
    """
    from keras_seq2seq.text import Vocabulary, get_tokenizer_class

    size, other_size = options.pop("size"), options.pop("max_vocab_size")
    if None not in (size, other_size):
        raise UserError("--size and --max_vocab_size are the same; leave out one")
    size, delimiter = size or other_size, options.pop("delimiter")
    lowercase, name = options.pop("lowercase"), options.pop("tokenizer")
    tokenizer_class = get_tokenizer_class(_choose_tokenizer(name, delimiter))
    if tokenizer_class.vocabulary_suffix is None:
        raise UserError(
            f"--tokenizer: {tokenizer_class.name} has a fixed vocabulary; train without a "
            "vocabulary file"
        )
    is_model = tokenizer_class.vocabulary_suffix != ".vocab"
    given = {name: value for name, value in options.items() if value is not None}
    for option in _COUNT_OPTIONS if is_model else _MODEL_OPTIONS:
        if option in given:
            raise UserError(f"--{option}: has no effect with the tokenizer {tokenizer_class.name}")
    if is_model and output in (None, STANDARD_STREAM):
        raise UserError("--output is required: a SentencePiece model cannot be written to stdout")
    if is_model:
        check_not_empty(output)
        suffix = tokenizer_class.vocabulary_suffix
        output = output.removesuffix(suffix) + suffix
    check_readable(*inputs)
    if column is None:
        check_is_text("--column", *inputs)
    check_replaces_no_input(output, *inputs)
    check_output(output)
    lines = _read_lines(inputs, column)
    if lowercase and "lowercase" in tokenizer_class.hyperparameters:
        given["lowercase"] = True
    elif lowercase:
        lines = map(str.lower, lines)
    if is_model:
        if "user_defined_symbols" in given:
            given["user_defined_symbols"] = given["user_defined_symbols"].split(",")
        with warnings_in_lines():
            tokenizer = tokenizer_class.build(lines, size, **given)
        _save(tokenizer, output)
        return
    with open_output(output) as file:
        if delimiter and delimiter.strip():
            tokens = (_split(line, delimiter) for line in lines)
            vocabulary = Vocabulary.build(tokens, size, **given)
        else:
            vocabulary = tokenizer_class.build(lines, size, **given).vocabulary
        vocabulary.write(file)


def _choose_tokenizer(name: str | None, delimiter: str | None) -> str:
    """Returns the name of the tokenizer that the options describe."""
    if delimiter is None:
        return name or "whitespace"
    chosen = "whitespace" if delimiter else "characters"
    if name not in (None, chosen):
        raise UserError(f"--delimiter: cannot be combined with --tokenizer={name}; leave out one")
    return chosen


def _split(line: str, delimiter: str) -> list[str]:
    """Splits a line as google/seq2seq does."""
    tokens = [token for token in line.strip().split(delimiter) if token]
    for token in tokens:
        if len(token.split()) != 1 or token != token.strip():
            raise UserError(
                f"--delimiter: whitespace in the token {token[:60]!r}; a vocabulary file cannot "
                "contain it"
            )
    return tokens


def _save(tokenizer: Any, path: str):
    try:
        tokenizer.save_vocabulary(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None


def _read_lines(inputs: Sequence[str], column: str | int | None) -> Iterator[str]:
    from keras_seq2seq.text.vocabulary import WHITESPACE_CHARACTERS

    for path in inputs:
        has_text = False
        for line in read_text(path, column):
            has_text = has_text or bool(line.strip(WHITESPACE_CHARACTERS))
            yield line
        if not has_text:
            raise UserError(f"{path}: no text; expected one sequence per line")
