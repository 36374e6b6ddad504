"""Loading models for decoding, and saving those that were made without a configuration."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_seq2seq.building.description import describe
from keras_seq2seq.config import Config, override_decoding
from keras_seq2seq.decoding import Search
from keras_seq2seq.errors import UserError
from keras_seq2seq.model_directory.directory import ModelDirectory
from keras_seq2seq.models import Ensemble, Seq2Seq
from keras_seq2seq.text import TextEncoder


def save_model(
    path: str | os.PathLike,
    model: Seq2Seq,
    source: TextEncoder,
    target: TextEncoder,
    search: Search,
    *,
    unk_replace: bool = False,
):
    """Writes the directory of a model that was created without a configuration.

    Args:
        path: The directory. An existing model in it is replaced.
        model: The model.
        source: The text encoder of the sources.
        target: The text encoder of the targets.
        search: The search whose options become the default ones for decoding.
        unk_replace: Whether unknown tokens in translations are replaced by default.

    Raises:
        UserError: If the model is an ensemble, or the directory contains a training run or cannot
            be written.
    """
    if isinstance(model, Ensemble):
        raise UserError("an ensemble cannot be saved; save each of its models")
    directory = ModelDirectory(path)
    directory.check_is_directory()
    if directory.has_started():
        raise UserError(f"{directory.path}: contains a training run; choose another directory")
    directory.check_config()
    config = describe(model, source, target, search, unk_replace)
    directory.create(config, source.tokenizer, target.tokenizer)
    directory.save_model(model)


class LoadedModel(NamedTuple):
    """A model or an ensemble, its configuration and its text encoders."""

    config: Config
    model: Seq2Seq | Ensemble
    source: TextEncoder
    target: TextEncoder


def load_models(model_dirs: Sequence[str | os.PathLike], options: Mapping[str, Any]) -> LoadedModel:
    """Loads a model, or several models as an ensemble.

    Args:
        model_dirs: The model directories. The configuration is that of the first one.
        options: Decoding options that override those of the configuration.

    Raises:
        UserError: If a directory contains no model or a damaged one, if the models differ in
            their tokens, or if an option has no effect.
    """
    if not model_dirs:
        raise UserError("no model directory; expected at least one")
    directories = [ModelDirectory(path) for path in model_dirs]
    configs = [directory.load_config() for directory in directories]
    encoders = [directory.load_text_encoders() for directory in directories]
    for directory, pair in zip(directories[1:], encoders[1:], strict=True):
        difference = _difference(encoders[0], pair)
        if difference:
            raise UserError(
                f"{directory.path}: its {difference} differs from that of {directories[0].path}; "
                "an ensemble needs models that read and write the same tokens"
            )
    config = override_decoding(configs[0], options)
    models = [directory.load_model(config.hparams.inference.dtype) for directory in directories]
    for directory, model, pair in zip(directories, models, encoders, strict=True):
        directory.check_vocabularies(model, *(encoder.tokenizer for encoder in pair))
    model = Ensemble(models) if len(models) > 1 else models[0]
    return LoadedModel(config, model, *encoders[0])


def _difference(
    encoders: tuple[TextEncoder, TextEncoder], others: tuple[TextEncoder, TextEncoder]
) -> str:
    """Returns what makes two pairs of text encoders incompatible, `""` if they are compatible."""
    pairs = list(zip(("source", "target"), encoders, others, strict=True))
    for side, encoder, other in pairs:
        if encoder.tokenizer.fingerprint() != other.tokenizer.fingerprint():
            return f"{side} vocabulary"
    for side, encoder, other in pairs:
        if encoder.tokenizer != other.tokenizer:
            return f"{side}.tokenizer"
    return "" if encoders[0].reverse == others[0].reverse else "source.reverse"
