"""`keras-seq2seq translate`"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keras_seq2seq.cli.input_output import (
    STANDARD_STREAM,
    check_readable,
    check_replaces_no_input,
    open_output,
    read_text,
    standard_input,
    warnings_in_lines,
)
from keras_seq2seq.cli.options import (
    DirectoryName,
    WholeNumber,
    column_option,
    decoding_options,
    file_option,
    input_format_option,
    model_dirs_option,
    unk_mapping_option,
)
from keras_seq2seq.cli.table_copy import open_table_copy
from keras_seq2seq.errors import UserError
from keras_seq2seq.files.json_text import to_json
from keras_seq2seq.files.writing import atomic_directory

if TYPE_CHECKING:
    from keras_seq2seq.translator import TextTranslator, Translation


class TranslationFiles:
    """Writes an attention plot and a beam search page per line.

    Args:
        attention_dir: A new or empty directory for attention plots; `None` for no plots.
        beam_dir: A new or empty directory for beam search pages; `None` for no pages.

    Raises:
        UserError: If a directory contains files or cannot be written.
    """

    def __init__(self, attention_dir: str | None, beam_dir: str | None):
        self._pictures = self._pages = None
        if attention_dir is not None:
            # Imports matplotlib.
            from keras_seq2seq.plots import AttentionDirectory

            self._pictures = AttentionDirectory(attention_dir)
        if beam_dir is not None:
            from keras_seq2seq.plots import BeamDirectory

            self._pages = BeamDirectory(beam_dir)

    def check(self, translator: TextTranslator):
        """Checks that the model provides what is to be written.

        Raises:
            UserError: If attention plots are requested for a model without attention.
        """
        if self._pictures and not translator.has_attention:
            raise UserError("--attention_dir: the model has no attention; leave it out")

    def write(self, number: int, translation: Translation, translator: TextTranslator):
        """Writes the files of one line.

        Args:
            number: The 1-based number of the line.
            translation: The translation of the line. Empty lines have no beam search page.
            translator: The translator.
        """
        best = translation.best
        if self._pictures:
            self._pictures.write(number, translation.source_tokens, best.tokens, best.attention)
        if self._pages and translation.tree is not None:
            from keras_seq2seq.plots.beam_page import tree_arguments

            source = translator.source.tokenizer.detokenize(translation.source_tokens)
            arguments = tree_arguments(translation, translator.target)
            self._pages.write(number, **arguments, source=source)


@click.command(epilog="Omitted decoding flags default to the model's inference.* options.")
@model_dirs_option(
    "Model directory (the --output_dir of train) or exported model; repeat to decode with "
    "an ensemble of model directories.",
    required=True,
)
@file_option("--source", help="Source text, plain, .gz, .zst or .xz.  [default: stdin]")
@column_option(
    "--source_column",
    "With a table (.tsv, .csv, .jsonl): the column to translate, a name or a number starting with "
    "1. The output is the table with an additional column, translation (or translated, if this "
    "column is a key of an object translation).",
)
@input_format_option()
@click.option("--output", metavar="FILE", help="File to write translations to.  [default: stdout]")
@click.option("--batch_size", type=WholeNumber(1), help="Sentences per batch.  [default: 64]")
@click.option(
    "--interactive",
    is_flag=True,
    help="Translate each line of standard input as it is read.",
)
@click.option(
    "--split_sentences",
    is_flag=True,
    help="Split each line into sentences, translate them one by one, and join the translations.",
)
@file_option(
    "--prefix",
    help="Prefix that each translation must start with, line-aligned; lines may be empty.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="Plain text, or JSON lines with all details of each hypothesis.",
)
@click.option("--scores", is_flag=True, help="With --format text: also write scores.")
@click.option("--attention", is_flag=True, help="With --format jsonl: include attention weights.")
@decoding_options
@unk_mapping_option()
@click.option(
    "--attention_dir",
    type=DirectoryName(),
    help="New or empty directory to write each line's attention weights to, as a plot "
    "(000001.png, ...) and as numbers (.npz).",
)
@click.option(
    "--beam_dir",
    type=DirectoryName(),
    help="New or empty directory to write each line's beam search tree to, as an HTML page "
    "(000001.html, ...).",
)
def translate(
    model_dirs: tuple[str, ...],
    source: str | None,
    source_column: str | int | None,
    input_format: str | None,
    output: str | None,
    batch_size: int | None,
    interactive: bool,
    split_sentences: bool,
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

    If --n_best is 2 or more, each output line starts with the number of its source line and a
    tab. With --scores, each translation is preceded by its score in nats and a tab. Tables keep
    their columns: --scores adds a column score, and --n_best repeats each row.
    """
    if interactive:
        given = {"--source": source, "--output": output, "--batch_size": batch_size}
        for name, value in given.items():
            if value is not None:
                raise click.UsageError(f"{name} has no effect with --interactive; leave it out.")
    if scores and output_format == "jsonl":
        raise click.UsageError("--scores has no effect with --format jsonl, which includes scores.")
    if attention and output_format == "text":
        raise click.UsageError("--attention needs --format jsonl.")
    if split_sentences:
        given = {
            "--prefix": prefix,
            "--attention": attention,
            "--attention_dir": attention_dir,
            "--beam_dir": beam_dir,
        }
        for name, value in given.items():
            if value:
                raise click.UsageError(f"{name} is not possible with --split_sentences.")

    if output_format == "jsonl" and source_column is not None:
        raise click.UsageError("--format jsonl has no effect with --source_column; leave it out.")

    # Lines typed in a terminal are also translated immediately.
    interactive = interactive or (source in (None, STANDARD_STREAM) and standard_input().isatty())
    files = [path for path in (prefix, unk_mapping) if path is not None]
    check_readable(STANDARD_STREAM if source is None else source, *files)
    check_replaces_no_input(output, source, prefix, unk_mapping)
    prefixes = None if prefix is None else read_text(prefix)
    # As in the datasets of Hugging Face, whose rows are `{"translation": {"de": ..., "en": ...}}`.
    is_nested = str(source_column).startswith("translation.")
    column_name = "translated" if is_nested else "translation"
    table = open_table_copy(
        source,
        source_column and (source_column,),
        input_format,
        added=[*(["score"] if scores else []), column_name],
    )
    lines = read_text(source) if table is None else (text for (text,) in table)
    if attention_dir is not None and beam_dir is not None and not interactive:
        paths = [Path(path).resolve() for path in (attention_dir, beam_dir)]
        # Each is put in place as a whole when all lines are translated.
        if paths[0].is_relative_to(paths[1]) or paths[1].is_relative_to(paths[0]):
            raise click.UsageError(
                "--attention_dir and --beam_dir must be two directories, neither within the other."
            )
    with ExitStack() as stack:
        file = stack.enter_context(open_output(output))
        stack.enter_context(warnings_in_lines())
        if not interactive:
            # Complete or not there at all, unlike pictures to look at between two lines.
            attention_dir, beam_dir = (
                path and stack.enter_context(atomic_directory(path))
                for path in (attention_dir, beam_dir)
            )
        files = TranslationFiles(attention_dir, beam_dir)

        from keras_seq2seq.translator.paragraphs import translate_paragraphs
        from keras_seq2seq.translator.text_translator import BATCH_SIZE

        translator = load_translator(model_dirs, unk_mapping, beam_dir is not None, options)
        files.check(translator)
        details = {
            "with_scores": scores or output_format == "jsonl" or beam_dir is not None,
            "with_attention": (output_format == "jsonl" and not split_sentences)
            or attention_dir is not None,
        }
        if interactive:
            # Trace the graph before the user waits for a translation.
            translator.warm_up(**details)
            _prompt()
        if split_sentences and translator.n_best > 1:
            raise UserError("--split_sentences writes one translation per line; set --n_best to 1")
        stream = partial(
            translator.stream,
            batch_size=batch_size or BATCH_SIZE,
            prefixes=prefixes,
            **details,
            read_ahead=not interactive,
        )
        translations = translate_paragraphs(stream, lines) if split_sentences else stream(lines)
        has_numbers = translator.n_best > 1
        for number, translation in enumerate(translations, 1):
            if table is not None:
                table.write(
                    file,
                    *(
                        ({"score": hypothesis.score} if scores else {})
                        | {column_name: hypothesis.text}
                        for hypothesis in translation.hypotheses
                    ),
                )
            elif output_format == "jsonl":
                record = translation.to_dict(with_attention=attention)
                file.write(f"{to_json(record)}\n")
            else:
                for hypothesis in translation.hypotheses:
                    columns = [str(number)] if has_numbers else []
                    columns += [f"{hypothesis.score:.6f}"] if scores else []
                    file.write("\t".join([*columns, hypothesis.text]) + "\n")
            files.write(number, translation, translator)
            if interactive:
                file.flush()


def load_translator(
    model_dirs: tuple[str, ...],
    unk_mapping: str | None,
    return_tree: bool,
    options: dict[str, Any],
) -> TextTranslator:
    """Loads a model directory, an ensemble of model directories, or an exported model.

    Args:
        model_dirs: The directories.
        unk_mapping: The file of `--unk_mapping`.
        return_tree: Whether to return the beam search tree of each translation.
        options: The decoding flags; `None` for those that are not given.

    Raises:
        UserError: If a directory contains no model, or an option has no effect.
    """
    from keras_seq2seq.runtime import ExportedModel

    if any(map(ExportedModel.is_at, model_dirs)):
        return _load_exported(model_dirs, unk_mapping, return_tree, options)

    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow(batches_at_once=True)
    from keras_seq2seq.translator.translator import Translator

    return Translator.load(model_dirs, unk_mapping=unk_mapping, return_tree=return_tree, **options)


def _load_exported(
    model_dirs: tuple[str, ...],
    unk_mapping: str | None,
    return_tree: bool,
    options: dict[str, Any],
) -> TextTranslator:
    from keras_seq2seq.runtime import Translator

    if len(model_dirs) > 1:
        raise UserError(
            "an exported model cannot be part of an ensemble; export the ensemble itself"
        )
    given = {name: value for name, value in options.items() if value is not None}
    max_length = given.pop("max_length", None)
    if unk_mapping is not None:
        given["unk_mapping"] = unk_mapping
    if given:
        raise UserError(
            f"--{min(given)}: cannot be changed in the exported model {model_dirs[0]}; export the "
            "model again with this option"
        )
    if max_length is not None:
        max_length = WholeNumber(1).convert(str(max_length), None, None)
    translator = Translator(model_dirs[0], max_length=max_length)
    if return_tree and translator.options.search != "beam":
        raise UserError("--beam_dir needs beam search; export the model with --beam_width")
    return translator


def _prompt():
    if standard_input().isatty():
        click.echo("Type one sentence per line; press Ctrl-D to finish.", err=True)
