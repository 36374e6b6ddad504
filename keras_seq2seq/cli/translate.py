"""`keras-seq2seq translate`"""

import sys
from collections.abc import Iterator

import click

from keras_seq2seq.cli.output import open_output
from keras_seq2seq.cli.whole_number import WholeNumber


@click.command()
@click.option(
    "--model_dir", metavar="DIR", required=True, help="The --output_dir of `keras-seq2seq train`."
)
@click.option("--source", metavar="FILE", help="Text, plain or .gz.  [default: standard input]")
@click.option(
    "--output", metavar="FILE", help="Where translations are written.  [default: standard output]"
)
@click.option(
    "--batch_size",
    type=WholeNumber(1),
    default=32,
    show_default=True,
    help="Lines translated at once.",
)
@click.option(
    "--beam_width",
    metavar="N",
    type=click.IntRange(min=1),
    help="Hypotheses followed for each line; 1 is greedy.  [default: the model's]",
)
@click.option(
    "--length_penalty_weight",
    metavar="X",
    type=click.FloatRange(min=0),
    help="How much beam search favours long hypotheses.  [default: the model's]",
)
def translate(
    model_dir: str,
    source: str | None,
    output: str | None,
    batch_size: int,
    beam_width: int | None,
    length_penalty_weight: float | None,
):
    """Translate text line by line."""
    lines = _read(source)
    with open_output(output) as file:
        from keras_seq2seq.cli.tensorflow_import import import_tensorflow

        import_tensorflow()
        from keras_seq2seq.translator import Translator

        beam = {"beam_width": beam_width, "length_penalty_weight": length_penalty_weight}
        translator = Translator.load(
            model_dir, **{name: value for name, value in beam.items() if value is not None}
        )
        for translation in translator.stream(lines, batch_size=batch_size):
            file.write(f"{translation}\n")


def _read(source: str | None) -> Iterator[str]:
    from keras_seq2seq.data import decode_lines, open_text, read_lines

    if source is not None:
        # A missing file shall not be found after the model is loaded.
        open_text(source).close()
        return read_lines(source)
    if sys.stdin.isatty():
        click.echo("Type sentences, one a line; end with Ctrl-D.", err=True)
    return decode_lines(sys.stdin.buffer, "standard input")
