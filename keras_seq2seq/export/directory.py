"""Exporting a translator to a directory, and comparing the translations of both."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_seq2seq.errors import UserError
from keras_seq2seq.export.card import Agreement, write_card
from keras_seq2seq.files import LiteralDirectory
from keras_seq2seq.files.writing import atomic_directory
from keras_seq2seq.models.saving import is_in_float32
from keras_seq2seq.runtime import Translator as ExportedTranslator
from keras_seq2seq.translator import Translation
from keras_seq2seq.translator.translator import Translator

FORMATS = ("litert", "saved_model")

# Scores of float32 models differ by rounding only, which grows with the number of tokens.
_TOLERANCE = 1e-3
_RELATIVE_TOLERANCE = 1e-5


def export_translator(
    translator: Translator,
    output_dir: str | os.PathLike,
    *,
    format: str = "litert",
    quantize: str = "none",
    check_lines: Sequence[str] = (),
    card: Mapping[str, Any] | None = None,
) -> Agreement | None:
    """Writes a model and its search in a format for deployment.

    Args:
        translator: The translator. Its search and its options become part of the model.
        output_dir: The directory. For LiteRT, it must be new or empty. For a SavedModel, it is the
            directory of all versions of the model, and the export is the next version, such as
            `output_dir/1`.
        format: `"litert"`, which `keras_seq2seq.runtime` reads, or `"saved_model"`, which maps
            text to text and needs only TensorFlow. For LiteRT, a model in mixed precision or
            bfloat16 is converted to float32 first.
        quantize: See `keras_seq2seq.export.litert.convert`.
        check_lines: Sources that both translate, to compare the results.
        card: Facts about the model for its model card: names and values.

    Returns:
        The `Agreement` on `check_lines`, or `None` without lines.

    Raises:
        UserError: If the model cannot be exported, or if the exported model is in float32 and
            translates differently. The directory is then not written.
    """
    from keras_seq2seq.export.litert import QUANTIZATIONS

    _check_choice("format", format, FORMATS)
    _check_choice("quantize", quantize, QUANTIZATIONS)
    if format == "saved_model" and quantize != "none":
        raise UserError(f"quantize: {quantize} is not possible with saved_model; leave it out")
    check_lines = list(check_lines)
    card = dict(card or {})
    if format == "litert":
        from keras_seq2seq.export import litert

        translator = litert.in_float32(translator)
        with atomic_directory(output_dir) as path:
            card |= litert.write(translator, path, quantize)
            exported = ExportedTranslator(path) if check_lines else None
            return _finish(translator, exported, path, check_lines, quantize, card, litert.USAGE)
    from keras_seq2seq.export import saved_model

    with atomic_directory(_next_version(Path(output_dir))) as path:
        literal = LiteralDirectory(path)
        place, name = Path(literal.path), Path(output_dir).resolve().name
        card |= saved_model.write(translator, place, name, check_lines)
        exported = saved_model.SavedTranslator(place) if check_lines else None
        return _finish(translator, exported, path, check_lines, quantize, card, saved_model.USAGE)


def _next_version(directory: Path) -> Path:
    """Returns the directory of the next version of a model, whose name is a number."""
    try:
        names = [path.name for path in directory.iterdir()]
    except FileNotFoundError:
        names = []
    except OSError as error:
        raise UserError(f"{directory}: cannot be used as a directory ({error.strerror})") from None
    versions = [int(name) for name in names if name.isascii() and name.isdigit()]
    return directory / str(max(versions, default=0) + 1)


def _finish(
    translator: Translator,
    exported: Any,
    path: Path,
    lines: Sequence[str],
    quantize: str,
    facts: Mapping[str, Any],
    usage: str,
) -> Agreement | None:
    """Compares the exported model with the original, and writes its card."""
    is_exact = quantize == "none" and is_in_float32(translator.model)
    agreement = _compare(translator, exported, lines, is_exact) if lines else None
    write_card(path, facts, agreement, usage)
    return agreement


def _check_choice(name: str, value: str, choices: Sequence[str]):
    if value not in choices:
        raise UserError(f"{name} is {value!r}; choose from {', '.join(choices)}")


def _compare(
    translator: Translator, exported: Any, lines: Sequence[str], is_exact: bool
) -> Agreement:
    equal, largest = 0, 0.0
    originals = translator.stream(lines)
    for line, original, other in zip(lines, originals, exported.stream(lines), strict=True):
        difference = abs(original.score - other.score)
        if original.text == other.text:
            equal += 1
            largest = max(largest, difference)
        # Two translations with equal scores can change places.
        if is_exact and difference > _TOLERANCE + _RELATIVE_TOLERANCE * abs(original.score):
            raise UserError(_describe_difference(line, original, other))
    return Agreement(len(lines), equal, largest)


def _describe_difference(line: str, original: Translation, other: Translation) -> str:
    return (
        f"the exported model translates {line[:60]!r} as {other.text[:60]!r} with score "
        f"{other.score:.4f}, but the original as {original.text[:60]!r} with score "
        f"{original.score:.4f}; nothing was written"
    )
