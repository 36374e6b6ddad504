"""The directory that training writes and every other command reads."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras

from keras_seq2seq.building.model import build_model
from keras_seq2seq.config import Config, options_that_may_change, override_decoding
from keras_seq2seq.errors import UserError
from keras_seq2seq.models import Ensemble, Seq2Seq
from keras_seq2seq.text import Vocabulary

_BESIDE = ".model-"


class ModelDirectory:
    """The files of one model, under the names that all commands agree on.

    A file is written beside its place and renamed, so that a kill at any moment leaves a
    directory that can be read. It is self-contained and can be moved.

    Args:
        path: The directory. It need not exist before something is written.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.config_path = self.path / "config.yaml"
        self.source_vocabulary_path = self.path / "source.vocab"
        self.target_vocabulary_path = self.path / "target.vocab"
        self.model_path = self.path / "model.keras"
        self.checkpoints_path = self.path / "checkpoints"
        self.logs_path = self.path / "logs"
        self.metrics_path = self.path / "metrics.jsonl"
        self.run_path = self.path / "run.json"

    def check_is_directory(self):
        """Checks that the path can be a directory.

        Raises:
            UserError: If not.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path}: is a file; expected a directory for the model")

    def check_usable_for(self, config: Config):
        """Checks that a run with this configuration can begin or go on here.

        Raises:
            UserError: If it holds a model of another configuration.
        """
        if not self.config_path.exists():
            return
        there, here = _identity(Config.load(self.config_path)), _identity(config)
        differing = [name for name in {**here, **there} if here.get(name) != there.get(name)]
        if differing:
            name = differing[0]
            raise UserError(
                f"{self.path}: holds another model, trained with {_describe(name, there, here)}; "
                "choose another --output_dir, or begin anew with --resume never"
            )

    def has_checkpoints(self) -> bool:
        """Returns whether there is something that a run can go on from."""
        return any(self.checkpoints_path.glob("ckpt-*.index"))

    def clear(self):
        """Removes what a run has written, and nothing else."""
        for path in (self.checkpoints_path, self.logs_path):
            shutil.rmtree(path, ignore_errors=True)
        for path in (self.model_path, self.metrics_path, self.run_path):
            path.unlink(missing_ok=True)

    def create(self, config: Config, source: Vocabulary, target: Vocabulary):
        """Writes the configuration and the vocabularies.

        Raises:
            UserError: If the directory cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._remove_unfinished()
            source.save(self.source_vocabulary_path)
            target.save(self.target_vocabulary_path)
            config.save(self.config_path)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be written ({error.strerror})") from error

    def _remove_unfinished(self):
        """Removes what kills within a write have left behind."""
        for path in self.path.glob(f"{_BESIDE}*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self.path.glob(".*.tmp"):
            path.unlink(missing_ok=True)

    def load_config(self) -> Config:
        """Reads the configuration.

        Raises:
            UserError: If there is no model here, or the file is damaged.
        """
        if not self.path.exists():
            raise UserError(f"{self.path}: no such directory; expected a trained model")
        if not self.config_path.exists():
            raise UserError(f"{self.path}: holds no model (there is no {self.config_path.name})")
        return Config.load(self.config_path)

    def load_vocabularies(self) -> tuple[Vocabulary, Vocabulary]:
        """Reads the source and the target vocabulary."""
        return (
            Vocabulary.load(self.source_vocabulary_path),
            Vocabulary.load(self.target_vocabulary_path),
        )

    def save_model(self, model: Seq2Seq):
        """Writes the model, weights and all, replacing the one that is there."""
        with tempfile.TemporaryDirectory(prefix=_BESIDE, dir=self.path) as beside:
            file = Path(beside) / self.model_path.name
            model.save(file, include_optimizer=False)
            os.replace(file, self.model_path)

    def load_model(self, dtype: str | None = None) -> Seq2Seq:
        """Reads the model.

        Args:
            dtype: The dtype that its weights, and all that is computed with them, are to have,
                such as `"bfloat16"`, instead of those that they were saved with.

        Raises:
            UserError: If training has not written one yet, or the file is damaged.
        """
        if not self.model_path.exists():
            raise UserError(
                f"{self.model_path}: no such file; the first evaluation of a training writes it"
            )
        try:
            if dtype is None:
                return keras.models.load_model(self.model_path, compile=False)
            config = self.load_config().model_copy(update={"dtype": dtype})
            model = build_model(config, *map(len, self.load_vocabularies()))
            model.load_weights(self.model_path)
            return model
        except (ValueError, OSError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{self.model_path}: cannot be loaded ({reason})") from error


def _identity(config: Config) -> dict:
    """Returns what makes the model of a run what it is, by dotted names."""
    may_change = options_that_may_change()
    values = _flatten(config.model_dump())
    return {name: value for name, value in values if name not in may_change}


def _flatten(values: dict, prefix: str = ""):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _describe(name: str, there: dict, here: dict) -> str:
    return f"{name.removeprefix('hparams.')} {there.get(name)} instead of {here.get(name)}"


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
