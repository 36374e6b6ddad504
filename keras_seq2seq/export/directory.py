"""Exporting a translator to a directory, and checking that both translate alike."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from keras_seq2seq.decoding import BeamSearch
from keras_seq2seq.errors import UserError
from keras_seq2seq.export.card import Agreement, write_card
from keras_seq2seq.files.writing import atomic_directory, atomic_file
from keras_seq2seq.runtime import ExportedModel, Options
from keras_seq2seq.runtime import Translator as ExportedTranslator
from keras_seq2seq.text import Tokenizer
from keras_seq2seq.translator import Translation
from keras_seq2seq.translator.translator import Translator

FORMATS = ("litert",)

# Scores of float32 models differ by rounding only.
_TOLERANCE = 1e-3


def export_translator(
    translator: Translator,
    output_dir: str | os.PathLike,
    *,
    format: str = "litert",
    quantize: str = "none",
    check_lines: Sequence[str] = (),
    card: Mapping[str, Any] | None = None,
) -> Agreement | None:
    """Writes a directory that `keras_seq2seq.runtime` reads.

    Args:
        translator: The translator. Its search and its options become part of the model.
        output_dir: The directory, which must be new or empty.
        format: `"litert"`.
        quantize: See `keras_seq2seq.export.litert.convert`.
        check_lines: Sources that both translate, to compare the results.
        card: Facts about the model for its model card: names and values.

    Returns:
        The `Agreement` on `check_lines`, or `None` without any.

    Raises:
        UserError: If the model cannot be exported, or if the exported model is in float32 and
            translates differently. The directory is then not written.
    """
    from keras_seq2seq.export.litert import BATCH_SIZES, QUANTIZATIONS, convert

    _check_choice("format", format, FORMATS)
    _check_choice("quantize", quantize, QUANTIZATIONS)
    for side, encoder in (("source", translator.source), ("target", translator.target)):
        _check_tokenizer(side, encoder.tokenizer)
    model, search = translator.model, translator.search
    with atomic_directory(output_dir) as path:
        content = convert(model, search, quantize)
        directory = ExportedModel(path)
        options = search.get_config()
        mapping = translator.unk_replacement and dict(translator.unk_replacement.mapping)
        directory.save_options(
            Options(
                search="beam" if isinstance(search, BeamSearch) else "greedy",
                search_options=options,
                max_length=options["max_length"],
                n_best=search.n_best,
                has_attention=model.has_attention,
                reverse_source=translator.source.reverse,
                batch_sizes=BATCH_SIZES,
                quantize=quantize,
                unk_mapping=mapping,
            )
        )
        translator.source.tokenizer.save(directory.source_path)
        translator.target.tokenizer.save(directory.target_path)
        with atomic_file(directory.model_path, binary=True) as file:
            file.write(content)
        agreement = None
        if check_lines:
            exported = ExportedTranslator(path)
            agreement = _compare(translator, exported, check_lines, quantize == "none")
        write_card(directory, card or {}, agreement)
    return agreement


def _check_choice(name: str, value: str, choices: Sequence[str]):
    if value not in choices:
        raise UserError(f"{name} is {value!r}; choose from {', '.join(choices)}")


def _check_tokenizer(side: str, tokenizer: Tokenizer):
    """Raises a `UserError` if the runtime does not have the class of a tokenizer."""
    module = type(tokenizer).__module__
    if not module.startswith("keras_seq2seq."):
        raise UserError(
            f"the {side} tokenizer {tokenizer.name!r} is defined in {module}, which the runtime "
            "cannot import; export needs a tokenizer of keras_seq2seq"
        )


def _compare(
    translator: Translator, exported: ExportedTranslator, lines: Sequence[str], is_exact: bool
) -> Agreement:
    equal, largest = 0, 0.0
    originals = translator.stream(lines)
    for line, original, other in zip(lines, originals, exported.stream(lines), strict=True):
        difference = abs(original.score - other.score)
        if original.text == other.text:
            equal += 1
            largest = max(largest, difference)
        # Two translations with equal scores can change places.
        if is_exact and difference > _TOLERANCE:
            raise UserError(_describe_difference(line, original, other))
    return Agreement(len(lines), equal, largest)


def _describe_difference(line: str, original: Translation, other: Translation) -> str:
    return (
        f"the exported model translates {line[:60]!r} as {other.text[:60]!r} with score "
        f"{other.score:.4f}, but the original as {original.text[:60]!r} with score "
        f"{original.score:.4f}; it was not written"
    )
