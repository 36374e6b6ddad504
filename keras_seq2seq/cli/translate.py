"""`keras-seq2seq translate`"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

import click

from keras_seq2seq.cli.input_output import open_output, warnings_in_lines
from keras_seq2seq.cli.options import WholeNumber, decoding_options
from keras_seq2seq.errors import UserError

if TYPE_CHECKING:
    from keras_seq2seq.translator import Translation, Translator


class TranslationFiles:
    """Writes pictures of attention and pages of beams, a file for each line.

    Args:
        attention_dir: Where pictures go, a new or an empty directory; None for none.
        beam_dir: Where pages go, likewise.

    Raises:
        UserError: If a directory has files, or cannot be written.
    """

    def __init__(self, attention_dir: str | None, beam_dir: str | None):
        from keras_seq2seq.plots import AttentionDirectory, BeamDirectory

        self._pictures = attention_dir and AttentionDirectory(attention_dir)
        self._pages = beam_dir and BeamDirectory(beam_dir)

    def check(self, translator: Translator):
        """Checks that there will be something to write.

        Raises:
            UserError: If not.
        """
        if self._pictures and not translator.model.has_attention:
            raise UserError("--attention_dir: the model has no attention; leave it out")

    def write(self, number: int, translation: Translation, translator: Translator):
        """Writes the files of a line.

        Args:
            number: The number of the line, 1 for the first.
            translation: What was made of it. There are no pages of empty lines.
            translator: What made it.
        """
        best = translation.best
        if self._pictures:
            self._pictures.write(number, translation.source_tokens, best.tokens, best.attention)
        if self._pages and translation.tree is not None:
            tokenizer = translator.target.tokenizer
            self._pages.write(
                number,
                translation.tree,
                translator.target.vocabulary.to_tokens,
                [
                    (hypothesis.ids, hypothesis.score)
                    for hypothesis in translation.hypotheses
                    if isfinite(hypothesis.score)
                ],
                source=translator.source.tokenizer.detokenize(translation.source_tokens),
                separator=" " if " " in tokenizer.detokenize(["a", "b"]) else "",
            )


@click.command(epilog="Flags that are not given are as the model's inference.* options say.")
@click.option(
    "--model_dir",
    "model_dirs",
    metavar="DIR",
    required=True,
    multiple=True,
    help="The --output_dir of `keras-seq2seq train`; give it again and models decode together.",
)
@click.option("--source", metavar="FILE", help="Text, plain or .gz.  [default: standard input]")
@click.option(
    "--output", metavar="FILE", help="Where translations are written.  [default: standard output]"
)
@click.option("--batch_size", type=WholeNumber(1), help="Lines translated at once.  [default: 64]")
@click.option(
    "--interactive", is_flag=True, help="Answer each line of standard input as soon as it is read."
)
@click.option(
    "--prefix",
    metavar="FILE",
    help="What each translation must begin with, line by line; a line may be empty.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="Lines of text, or of JSON with all that is known of each hypothesis.",
)
@click.option("--scores", is_flag=True, help="With text: write each score before its translation.")
@click.option("--attention", is_flag=True, help="With jsonl: write the attention weights too.")
@decoding_options
@click.option(
    "--unk_mapping",
    metavar="FILE",
    help="With --unk_replace: what to write for source tokens, in lines "
    "source<TAB>target<TAB>probability.",
)
@click.option(
    "--attention_dir",
    metavar="DIR",
    help="Write a picture of each line's attention there, 000001.png and so on, and its numbers "
    "as .npz. DIR must be new or empty.",
)
@click.option(
    "--beam_dir",
    metavar="DIR",
    help="Write what beam search tried for each line there as a page for a browser, 000001.html "
    "and so on. DIR must be new or empty.",
)
def translate(
    model_dirs: tuple[str, ...],
    source: str | None,
    output: str | None,
    batch_size: int | None,
    interactive: bool,
    prefix: str | None,
    output_format: str,
    scores: bool,
    attention: bool,
    unk_mapping: str | None,
    attention_dir: str | None,
    beam_dir: str | None,
    **options: Any,
):
    """Translate text line by line.

    With --n_best 2 or more each line of text begins with the number of its source line and a
    tab; with --scores the score, in nats, and a tab come before the translation.
    """
    if interactive:
        given = {"--source": source, "--output": output, "--batch_size": batch_size}
        for name, value in given.items():
            if value is not None:
                raise click.UsageError(f"{name} has no effect with --interactive; leave it out.")
    if scores and output_format == "jsonl":
        raise click.UsageError("--scores has no effect with --format jsonl, which has them all.")
    if attention and output_format == "text":
        raise click.UsageError("--attention needs --format jsonl.")

    # A line that is typed is answered at once, too.
    interactive = interactive or (source is None and sys.stdin.isatty())
    prefixes = None if prefix is None else _read(prefix)
    if unk_mapping is not None:
        _check_readable(unk_mapping)
    lines = _read(source)
    with open_output(output) as file, warnings_in_lines():
        files = TranslationFiles(attention_dir, beam_dir)

        from keras_seq2seq.cli.tensorflow_import import import_tensorflow

        import_tensorflow(batches_at_once=True)
        from keras_seq2seq.translator.translator import BATCH_SIZE, Translator

        translator = Translator.load(
            model_dirs, unk_mapping=unk_mapping, return_tree=beam_dir is not None, **options
        )
        files.check(translator)
        told = {
            "with_scores": scores or output_format == "jsonl" or beam_dir is not None,
            "with_attention": output_format == "jsonl" or attention_dir is not None,
        }
        if interactive:
            # What takes time the first time is done before somebody waits for it.
            list(translator.stream(["."], **told))
            _prompt()
        translations = translator.stream(
            lines,
            batch_size or BATCH_SIZE,
            prefixes=prefixes,
            **told,
            read_ahead=not interactive,
        )
        has_numbers = translator.search.n_best > 1
        for number, translation in enumerate(translations, 1):
            if output_format == "jsonl":
                record = translation.to_dict(with_attention=attention)
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
            else:
                for hypothesis in translation.hypotheses:
                    columns = [str(number)] if has_numbers else []
                    columns += [f"{hypothesis.score:.6f}"] if scores else []
                    file.write("\t".join([*columns, hypothesis.text]) + "\n")
            files.write(number, translation, translator)
            if interactive:
                file.flush()


def _read(source: str | None) -> Iterator[str]:
    from keras_seq2seq.files import decode_lines, read_lines

    if source is None:
        return decode_lines(sys.stdin.buffer, "standard input")
    _check_readable(source)
    return read_lines(source)


def _check_readable(path: str):
    """Finds a missing file before the model is loaded."""
    from keras_seq2seq.files import open_text

    open_text(path).close()


def _prompt():
    if sys.stdin.isatty():
        click.echo("Type sentences, one a line; end with Ctrl-D.", err=True)
