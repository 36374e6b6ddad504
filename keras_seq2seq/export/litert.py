"""Conversion of a model and its search to LiteRT."""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import tensorflow as tf

from keras_seq2seq import backend
from keras_seq2seq.decoding import SamplingSearch, Search
from keras_seq2seq.errors import UserError
from keras_seq2seq.export.card import describe_search, name_search
from keras_seq2seq.files import LiteralDirectory
from keras_seq2seq.files.standard_streams import muted_standard_error
from keras_seq2seq.files.writing import atomic_file
from keras_seq2seq.models import Ensemble, Seq2Seq
from keras_seq2seq.models.inputs import decode_ids
from keras_seq2seq.models.saving import is_in_float32, to_float32
from keras_seq2seq.runtime import ExportedModel, Options
from keras_seq2seq.runtime.exported_model import file_checksum
from keras_seq2seq.text import Tokenizer
from keras_seq2seq.text.tokenizer import tokenizer_config_path
from keras_seq2seq.translator.translator import Translator

QUANTIZATIONS = ("none", "float16", "int8")

# A single sentence is decoded fastest by a graph for one sentence, and many sentences by graphs for
# several, which read the weights only once per step for all of them.
BATCH_SIZES = (1, 8)


USAGE = """
## Use

```shell
pip install numpy ai-edge-litert click PyYAML sentencepiece
pip install --no-deps keras-seq2seq
```

```python
from keras_seq2seq.runtime import Translator

translator = Translator("path/of/this/directory")
translator("text")
```
"""


def in_float32(translator: Translator) -> Translator:
    """Returns the same translator with a model that computes in float32.

    LiteRT lacks many operations in the dtypes of mixed precision.
    """
    if is_in_float32(translator.model):
        return translator
    return Translator(
        to_float32(translator.model),
        translator.source,
        translator.target,
        search=translator.search,
        unk_replacement=translator.unk_replacement,
        frozen_weights=True,
    )


def write(translator: Translator, path: Path, quantize: str) -> dict[str, str]:
    """Writes the directory of an exported model, except for its card.

    Args:
        translator: The translator.
        path: The directory.
        quantize: See `convert`.

    Returns:
        Facts about the export for the card.

    Raises:
        UserError: If the translator cannot be exported.
    """
    for side, encoder in (("source", translator.source), ("target", translator.target)):
        _check_tokenizer(side, encoder.tokenizer)
    model, search = translator.model, translator.search
    # The next export removes what this one leaves there if it is killed.
    scratch = LiteralDirectory(path)
    content = convert(model, search, quantize, scratch.path)
    directory = ExportedModel(path)
    translator.source.tokenizer.save(directory.source_path)
    translator.target.tokenizer.save(directory.target_path)
    with atomic_file(directory.model_path, binary=True) as file:
        file.write(content)
    options = search.get_config()
    replacement = translator.unk_replacement
    directory.save_options(
        Options(
            search=name_search(search),
            search_options=options,
            max_length=options["max_length"],
            n_best=search.n_best,
            has_attention=model.has_attention,
            reverse_source=translator.source.reverse,
            batch_sizes=BATCH_SIZES,
            quantize=quantize,
            unk_mapping=replacement and dict(replacement.mapping),
            model_crc32=file_checksum(directory.model_path),
            source_crc32=file_checksum(tokenizer_config_path(directory.source_path)),
            target_crc32=file_checksum(tokenizer_config_path(directory.target_path)),
        )
    )
    return {
        "format": "LiteRT",
        "search": describe_search(search),
        "weights": "float32" if quantize == "none" else quantize,
    }


def _check_tokenizer(side: str, tokenizer: Tokenizer):
    """Raises a `UserError` if the runtime does not have the class of a tokenizer."""
    module = type(tokenizer).__module__
    if not module.startswith("keras_seq2seq."):
        raise UserError(
            f"the {side} tokenizer {tokenizer.name!r} is defined in {module}, which the runtime "
            "cannot import; export needs a tokenizer of keras_seq2seq"
        )


def convert(
    model: Seq2Seq | Ensemble,
    search: Search,
    quantize: str = "none",
    scratch: str | os.PathLike | None = None,
) -> bytes:
    """Converts a model and its search to a LiteRT model of built-in operations.

    For each batch size `n` of `BATCH_SIZES`, there is a signature `translate_n`, which returns the
    ids of the best hypotheses, and a signature `details_n`, which returns their scores and
    attention too. They share the weights. The inputs are `source_ids`, `(n, source_length)`,
    `prefix`, `(n, prefix_length)`, and the scalar `max_length`, all int32.

    Args:
        model: The model, in float32.
        search: The search. Its options, except for `max_length`, become part of the model.
        quantize: Precision of the weights of matrix products: `"none"` (float32), `"float16"`, or
            `"int8"` with activations that are quantized at run time.
        scratch: An existing directory for temporary files. Defaults to that of the system.

    Returns:
        The contents of a `.tflite` file.

    Raises:
        UserError: If the search or the model cannot be converted.
    """
    if isinstance(search, SamplingSearch):
        raise UserError("sampling cannot be exported to LiteRT; use greedy search or a beam_width")
    module = tf.Module()
    module.weights = [weight.value for weight in model.weights]
    signatures = {}
    for batch_size in BATCH_SIZES:
        for name, with_details in (("translate", False), ("details", True)):
            function = _trace(model, search, batch_size, with_details)
            signatures[f"{name}_{batch_size}"] = function
            setattr(module, f"{name}_{batch_size}", function)
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        try:
            with muted_standard_error():
                tf.saved_model.save(module, directory, signatures, options)
                converter = tf.lite.TFLiteConverter.from_saved_model(
                    str(Path(directory)), signature_keys=list(signatures)
                )
                _set_quantization(converter, quantize)
                # Without it, the outputs of the encoder are copied at each step, to tensors whose
                # shapes are only known when the loop runs. There is no public option for it.
                converter._experimental_enable_dynamic_update_slice = True
                return converter.convert()
        # The converter raises errors of many types.
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise UserError(
                f"the model cannot be converted to LiteRT ({reason[:200]}); it may contain layers "
                "that LiteRT does not support"
            ) from error


def _trace(
    model: Seq2Seq | Ensemble, search: Search, batch_size: int, with_details: bool
) -> Callable:
    """Returns the search as a `tf.function` for batches of one size."""
    search = search.with_tree(with_details)
    ids = tf.TensorSpec([batch_size, None], tf.int32)
    signature = {
        "source_ids": ids,
        "prefix": ids,
        "max_length": tf.TensorSpec([], tf.int32),
    }
    return tf.function(
        partial(_decode, model, search, with_details),
        input_signature=[
            tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in signature.items()
        ],
        autograph=False,
    )


def _decode(model, search, with_details, source_ids, prefix, max_length):
    with backend.portable_graph():
        found = decode_ids(
            model,
            source_ids,
            search,
            project_values=True,
            prefix=prefix,
            max_length=max_length,
            return_scores=with_details,
            return_attention_scores=with_details and model.has_attention,
        )
    results = {name: value for name, value in found._asdict().items() if value is not None}
    tree = results.pop("tree", None)
    if tree is not None:
        results |= {f"tree_{name}": value for name, value in tree._asdict().items()}
    return results


def _set_quantization(converter: tf.lite.TFLiteConverter, quantize: str):
    if quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
