"""The configuration of a training run."""

import os
from pathlib import Path

from pydantic import Field, model_validator

from keras_seq2seq.config.applicability import options_without_effect
from keras_seq2seq.config.config_file import dump_config, load_config_file
from keras_seq2seq.config.hyper_parameters import HyperParameters
from keras_seq2seq.config.option_types import (
    BatchSizes,
    Buckets,
    DirectoryPath,
    FilePath,
    NonNegativeFloat,
    NonNegativeInt,
    Pattern,
    PositiveFloat,
    PositiveInt,
    PositiveSteps,
    ProfileSteps,
    Seed,
    Switch,
    one_of,
)
from keras_seq2seq.config.section import Section, conflict, has_path
from keras_seq2seq.config.validate import Layer, validate_layers

DType = one_of("float32", "mixed_bfloat16")
BatchType = one_of("sentences", "tokens")
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
    batch_size: PositiveInt = Field(
        32, description="Sentence pairs in a batch, or tokens: see batch_type."
    )
    batch_type: BatchType = Field(
        "sentences",
        description="What batch_size counts; tokens are positions of the longer side, padding "
        "included.",
    )
    buckets: Buckets = Field(
        (),
        description="Lengths at which a new bucket starts; empty for one bucket, auto to choose "
        "them by the training data.",
    )
    bucket_batch_sizes: BatchSizes = Field(
        (), description="Sentence pairs in a batch of each bucket, instead of batch_size."
    )
    train_steps: PositiveSteps | None = Field(None, description="Training steps.")
    train_epochs: PositiveInt | None = Field(None, description="Passes over the training data.")
    eval_every_n_steps: PositiveSteps = Field(
        1000, description="Training steps between two evaluations."
    )
    best_metric: BestMetric = Field(
        "loss", description="Dev metric by which the best model is chosen."
    )
    init_from: DirectoryPath | None = Field(
        None, description="Model directory whose weights the new model begins with."
    )
    init_pattern: Pattern = Field(
        "", description="Which weights those are: a regular expression found in their names."
    )
    dtype: DType = Field(
        "float32",
        description="Numbers to compute with; mixed_bfloat16 keeps float32 for the weights.",
    )
    early_stopping_patience: PositiveInt | None = Field(
        None,
        description="Evaluations without a new best after which training stops; none without it.",
    )
    save_checkpoints_steps: PositiveSteps | None = Field(
        None, description="Training steps between two checkpoints, in place of seconds."
    )
    save_checkpoints_secs: PositiveFloat | None = Field(
        None,
        description="Seconds between two checkpoints; 600 if neither these nor steps are given.",
    )
    keep_checkpoint_max: NonNegativeInt = Field(
        5, description="Newest checkpoints to keep; 0 keeps all."
    )
    keep_checkpoint_every_n_hours: NonNegativeFloat = Field(
        4.0, description="Hours after which one more checkpoint is kept for good; 0 keeps none."
    )
    sample_translations: NonNegativeInt = Field(
        2, description="Dev sentences to translate and show at each evaluation; 0 for none."
    )
    tensorboard_embeddings: Switch = Field(
        True, description="Write the best model's embeddings for TensorBoard's projector."
    )
    profile_steps: ProfileSteps | None = Field(
        None, description="First and last step to profile for TensorBoard."
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
        if self.save_checkpoints_steps is not None and self.save_checkpoints_secs is not None:
            raise conflict(
                "save_checkpoints_secs",
                "cannot stand beside save_checkpoints_steps; leave out one of them",
            )
        given = self.model_dump(exclude_unset=True)
        for path, reason in options_without_effect(self).items():
            if has_path(given, path):
                raise conflict(".".join(path), f"has no effect here: {reason}")
        return self

    @model_validator(mode="after")
    def _check_batches(self) -> "Config":
        if self.batch_type == "tokens":
            if "batch_size" not in self.model_fields_set:
                raise conflict("batch_type", "tokens needs a batch_size too, such as 2048")
            if not self.buckets:
                raise conflict("batch_type", "tokens needs buckets, such as auto")
        if self.bucket_batch_sizes:
            buckets = 0 if self.buckets == "auto" else len(self.buckets) + 1
            if len(self.bucket_batch_sizes) != buckets:
                expected = f"{buckets} numbers" if buckets else "buckets that are given too"
                raise conflict(
                    "bucket_batch_sizes",
                    f"expected {expected}, got {len(self.bucket_batch_sizes)} numbers",
                )
        return self
