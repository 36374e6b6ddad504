"""What a translator needs of model directories."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_seq2seq.config import Config, override_decoding
from keras_seq2seq.data import Vocabulary
from keras_seq2seq.errors import UserError
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import Ensemble, Seq2Seq


class LoadedModel(NamedTuple):
    """A model, or an ensemble of models, and what turns text into its ids."""

    config: Config
    model: Seq2Seq | Ensemble
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary


def load_models(model_dirs: Sequence[str | os.PathLike], options: Mapping[str, Any]) -> LoadedModel:
    """Loads a model, or several as an ensemble with the configuration of the first one.

    Args:
        model_dirs: The model directories.
        options: Options of decoding that override those of the configuration.

    Raises:
        UserError: If there is no model, or it is damaged, or several do not read and write the
            same tokens, or an option has no effect.
    """
    if not model_dirs:
        raise UserError("no model directory; expected at least one")
    directories = [ModelDirectory(path) for path in model_dirs]
    configs = [directory.load_config() for directory in directories]
    vocabularies = [directory.load_vocabularies() for directory in directories]
    for directory, config, pair in zip(directories[1:], configs[1:], vocabularies[1:], strict=True):
        difference = _difference(configs[0], config, vocabularies[0], pair)
        if difference:
            raise UserError(
                f"{directory.path}: its {difference} that of {directories[0].path}; models decode "
                "together only if they read and write the same tokens"
            )
    config = override_decoding(configs[0], options)
    models = [directory.load_model(config.hparams.inference.dtype) for directory in directories]
    model = Ensemble(models) if len(models) > 1 else models[0]
    return LoadedModel(config, model, *vocabularies[0])


def _difference(
    config: Config,
    other_config: Config,
    vocabularies: tuple[Vocabulary, Vocabulary],
    other_vocabularies: tuple[Vocabulary, Vocabulary],
) -> str:
    sides = "source", "target"
    for side, vocabulary, other in zip(sides, vocabularies, other_vocabularies, strict=True):
        if vocabulary != other:
            return f"{side} vocabulary is not"
    hparams, other_hparams = config.hparams, other_config.hparams
    for side in sides:
        if getattr(hparams, side).tokenizer != getattr(other_hparams, side).tokenizer:
            return f"{side}.tokenizer is not"
    return "" if hparams.source.reverse == other_hparams.source.reverse else "source.reverse is not"
