"""The configuration of a training run."""

import os
from pathlib import Path

from pydantic import Field, model_validator

from keras_seq2seq.config.applicability import options_without_effect
from keras_seq2seq.config.buckets import Buckets
from keras_seq2seq.config.config_file import dump_config, load_config_file
from keras_seq2seq.config.conflict import conflict
from keras_seq2seq.config.hyper_parameters import HyperParameters
from keras_seq2seq.config.layer import Layer
from keras_seq2seq.config.nested_options import has_path
from keras_seq2seq.config.option_types import (
    FilePath,
    PositiveInt,
    PositiveSteps,
    Seed,
    one_of,
)
from keras_seq2seq.config.section import Section
from keras_seq2seq.config.validate import validate_layers

ModelName = one_of("AttentionSeq2Seq", "BasicSeq2Seq")
BestMetric = one_of(
    "loss", "bleu", "chrf", "ter", "rouge_1", "rouge_2", "rouge_l", "wer", "cer", "exact_match"
)


class Config(Section):
    """Everything needed to rebuild a run: the flags of `keras-seq2seq train`.

    The directory of the model is no part of it, so that the directory can be moved.

    Raises:
        pydantic.ValidationError: if a value is wrong, or an option is given that the others
            leave without effect. `resolve_config` and `Config.load` raise `UserError` instead.

    Example:
        >>> config = Config(batch_size=64, hparams={"rnn_cell": {"num_units": 256}})
        >>> config.save("model/config.yaml")
        >>> Config.load("model/config.yaml") == config
        True
    """

    model: ModelName = Field("AttentionSeq2Seq", description="Model to train.")
    train_source: FilePath | None = Field(None, description="Source side of the training data.")
    train_target: FilePath | None = Field(None, description="Target side of the training data.")
    dev_source: FilePath | None = Field(None, description="Source side of the dev data.")
    dev_target: FilePath | None = Field(None, description="Target side of the dev data.")
    vocab_source: FilePath | None = Field(None, description="Vocabulary of the source.")
    vocab_target: FilePath | None = Field(None, description="Vocabulary of the target.")
    batch_size: PositiveInt = Field(32, description="Sentence pairs in a batch.")
    buckets: Buckets = Field(
        (), description="Lengths at which a new bucket starts; empty for one bucket."
    )
    train_steps: PositiveSteps | None = Field(None, description="Training steps.")
    train_epochs: PositiveInt | None = Field(None, description="Passes over the training data.")
    eval_every_n_steps: PositiveSteps = Field(
        1000, description="Training steps between two evaluations."
    )
    best_metric: BestMetric = Field(
        "loss", description="Dev metric by which the best model is chosen."
    )
    seed: Seed = Field(1, description="Seed of everything random.")
    hparams: HyperParameters = HyperParameters()

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Config":
        """Reads a configuration file.

        Raises:
            UserError: if the file cannot be read or its content is wrong.
        """
        return validate_layers(cls, [Layer(os.fspath(path), load_config_file(path))])

    def save(self, path: str | os.PathLike) -> None:
        """Writes the configuration to a file, which is never seen half-written."""
        path = Path(path)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            beside.write_text(dump_config(self), encoding="utf-8")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    @model_validator(mode="after")
    def _check_effects(self) -> "Config":
        given = self.model_dump(exclude_unset=True)
        for path, reason in options_without_effect(self).items():
            if has_path(given, path):
                raise conflict(".".join(path), f"has no effect here: {reason}")
        return self
