"""`keras-seq2seq export`"""

import shlex
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keras_seq2seq.cli.input_output import (
    check_readable,
    read_text,
    suggest_translate,
    warnings_in_lines,
)
from keras_seq2seq.cli.options import (
    DirectoryName,
    decoding_options,
    file_option,
    model_dirs_option,
    unk_mapping_option,
)
from keras_seq2seq.errors import UserError

if TYPE_CHECKING:
    from keras_seq2seq.model_directory import ModelDirectory

# The number of dev lines that are translated to compare both models.
CHECKED_LINES = 200


@click.command(
    epilog="Omitted decoding flags default to the model's inference.* options. Sampling cannot be "
    "exported."
)
@model_dirs_option(
    "Model directory (the --output_dir of train); repeat to export an ensemble.",
    required=True,
)
@click.option(
    "--output_dir",
    type=DirectoryName(),
    required=True,
    help="New or empty directory for the export. With saved_model: the directory of all versions "
    "of the model, to which the export adds the next one, such as DIR/1.",
)
@click.option(
    "--format",
    "export_format",
    type=click.Choice(["litert", "saved_model"]),
    default="litert",
    show_default=True,
    help="litert runs without TensorFlow, in Python or with translate --model_dir. saved_model "
    "maps text to text, for TensorFlow Serving.",
)
@click.option(
    "--quantize",
    type=click.Choice(["none", "float16", "int8"]),
    default="none",
    show_default=True,
    help="With litert: precision of the weights; none is float32. int8 is the smallest and "
    "fastest.",
)
@file_option(
    "--check",
    help="Text to translate with both models, to compare the results.  [default: the first "
    f"{CHECKED_LINES} lines of the dev data]",
)
@decoding_options
@unk_mapping_option()
def export(
    model_dirs: tuple[str, ...],
    output_dir: str,
    export_format: str,
    quantize: str,
    check: str | None,
    unk_mapping: str | None,
    **options: Any,
):
    """Export a model for deployment, with its search and decoding options.

    The exported model is compared with the original. A float32 model that translates differently is
    not written.
    """
    if export_format == "litert" and options["dtype"] not in (None, "float32"):
        raise click.UsageError(
            "--dtype has no effect with litert, which computes in float32; see --quantize."
        )
    if check is not None:
        check_readable(check)
    from keras_seq2seq.cli.tensorflow_import import import_tensorflow

    import_tensorflow(batches_at_once=True)
    from keras_seq2seq.export import describe_model, export_translator
    from keras_seq2seq.model_directory import ModelDirectory
    from keras_seq2seq.translator.translator import Translator

    with warnings_in_lines():
        translator = Translator.load(model_dirs, unk_mapping=unk_mapping, **options)
        directory = ModelDirectory(model_dirs[0])
        lines = _dev_lines(directory) if check is None else list(read_text(check))
        agreement = export_translator(
            translator,
            output_dir,
            format=export_format,
            quantize=quantize,
            check_lines=lines,
            card=describe_model(model_dirs),
        )
    if agreement is None:
        click.echo("Not compared with the original: no lines to translate (see --check).", err=True)
    else:
        click.echo(f"Compared with the original: {agreement}.", err=True)
    if export_format == "litert":
        suggest_translate(output_dir)
    else:
        path = Path(output_dir).resolve()
        click.echo(
            f"Serve with: tensorflow_model_server --rest_api_port=8501 "
            f"--model_name={shlex.quote(path.name)} --model_base_path={shlex.quote(str(path))}",
            err=True,
        )


def _dev_lines(directory: "ModelDirectory") -> list[str]:
    """Returns the first sources of the dev data, or none if the data cannot be read."""
    from keras_seq2seq.building.data import open_pairs
    from keras_seq2seq.config.training_flags import has_dev

    config = directory.load_config()
    try:
        pairs = open_pairs(config, "dev") if has_dev(config) else directory.open_dev()
        pairs.check_counts()
    except UserError:
        return []
    return [source for source, _ in islice(pairs, CHECKED_LINES)]
