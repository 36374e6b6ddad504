"""Checking everything about a run before it begins."""

import os
from dataclasses import dataclass

import keras

from keras_seq2seq.building.batching import make_batching
from keras_seq2seq.building.model import build_model
from keras_seq2seq.building.optimizer import make_learning_rate, make_optimizer
from keras_seq2seq.config import Config
from keras_seq2seq.data import Batching, ParallelTextSummary, scan_parallel_text
from keras_seq2seq.errors import UserError
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.text import Vocabulary
from keras_seq2seq.training.initial_weights import InitialWeights, set_initial_weights
from keras_seq2seq.training.records import RunRecord, fingerprint
from keras_seq2seq.training.workers import Workers

_REQUIRED = (
    "train_source",
    "train_target",
    "dev_source",
    "dev_target",
    "vocab_source",
    "vocab_target",
)
_DEFAULT_EPOCHS = 10
RESUME_CHOICES = ("auto", "never", "must")


@dataclass(frozen=True)
class TrainingPlan:
    """A run of training that has passed all checks.

    Attributes:
        config: The configuration.
        directory: Where the model goes.
        source_vocabulary: Vocabulary of the sources.
        target_vocabulary: Vocabulary of the targets.
        train_summary: What is in the training data.
        dev_summary: What is in the dev data.
        batching: How the training data are batched.
        steps: Number of training steps.
        model: The model, untrained and not compiled.
        initial_weights: What was set of its weights; `None` if a run goes on.
        workers: The processes and devices that train it.
        resume: Whether to go on with what is in the directory: "auto" if there is a checkpoint,
            "never", or "must".
    """

    config: Config
    directory: ModelDirectory
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    train_summary: ParallelTextSummary
    dev_summary: ParallelTextSummary
    batching: Batching
    steps: int
    model: Seq2Seq
    initial_weights: InitialWeights | None
    workers: Workers
    resume: str = "auto"

    @property
    def fingerprints(self) -> dict[str, str]:
        """SHA-256 sums of texts and vocabularies, by the names of their flags."""
        return {
            "train_source": self.train_summary.source.sha256,
            "train_target": self.train_summary.target.sha256,
            "dev_source": self.dev_summary.source.sha256,
            "dev_target": self.dev_summary.target.sha256,
            "vocab_source": fingerprint(self.source_vocabulary),
            "vocab_target": fingerprint(self.target_vocabulary),
        }


def prepare(
    config: Config,
    output_dir: str | os.PathLike,
    resume: str = "auto",
    workers: Workers | None = None,
) -> TrainingPlan:
    """Checks options, files and output directory, and builds the model. Writes nothing.

    Args:
        config: The configuration.
        output_dir: The model directory, new or of a run of the same configuration.
        resume: "auto" goes on with the run in the directory if it has written a checkpoint;
            "never" begins anew, and `train` removes what is there; "must" goes on or fails.
        workers: The processes and devices to train on. Defaults to what `TF_CONFIG` says, or to
            all GPUs of this machine.

    Returns:
        The plan, for `train`.

    Raises:
        UserError: If anything would keep the run from working.
    """
    workers = workers or Workers()
    missing = [f"--{name}" for name in _REQUIRED if getattr(config, name) is None]
    if missing:
        raise UserError(f"training needs {', '.join(missing)}")
    accumulated = config.hparams.optimizer.gradient_accumulation_steps
    if workers.replicas > 1 and accumulated > 1:
        raise UserError(
            f"optimizer.gradient_accumulation_steps={accumulated}: TensorFlow cannot accumulate "
            f"on {workers.replicas} devices; leave it out, or hide all devices but one"
        )
    directory = ModelDirectory(output_dir)
    _check_resume(directory, config, resume)
    source_vocabulary = Vocabulary.load(config.vocab_source)
    target_vocabulary = Vocabulary.load(config.vocab_target)
    if config.hparams.embedding.share and source_vocabulary != target_vocabulary:
        raise UserError(
            f"embedding.share needs one vocabulary for both sides, but {config.vocab_source} and "
            f"{config.vocab_target} differ; make one of both texts: keras-seq2seq vocab A B"
        )
    vocabularies = source_vocabulary, target_vocabulary
    train_summary = _scan(config, config.train_source, config.train_target, *vocabularies)
    dev_summary = _scan(config, config.dev_source, config.dev_target, *vocabularies)
    batching = make_batching(config, train_summary).on(workers.replicas)
    steps = _count_steps(config, batching.steps_per_epoch(train_summary.lengths))
    # Refuses arguments that do not fit; the run makes its own.
    make_optimizer(config.hparams.optimizer, make_learning_rate(config, steps))
    if config.profile_steps and config.profile_steps[1] > steps:
        raise UserError(
            f"--profile_steps ends with step {config.profile_steps[1]:,}, but the training with "
            f"step {steps:,}; choose earlier steps"
        )
    keras.utils.set_random_seed(config.seed)
    goes_on = resume != "never" and directory.has_checkpoints()
    with workers.strategy.scope():
        model = build_model(config, len(source_vocabulary), len(target_vocabulary))
        initial_weights = None if goes_on else set_initial_weights(model, config, vocabularies)
    plan = TrainingPlan(
        config=config,
        directory=directory,
        source_vocabulary=source_vocabulary,
        target_vocabulary=target_vocabulary,
        train_summary=train_summary,
        dev_summary=dev_summary,
        batching=batching,
        steps=steps,
        model=model,
        initial_weights=initial_weights,
        workers=workers,
        resume=resume,
    )
    if goes_on:
        RunRecord(directory.run_path).check_data(plan.fingerprints)
    return plan


def _check_resume(directory: ModelDirectory, config: Config, resume: str):
    if resume not in RESUME_CHOICES:
        raise UserError(f"--resume: expected auto, never or must, got {resume}")
    directory.check_is_directory()
    if resume == "must" and not directory.has_checkpoints():
        raise UserError(
            f"{directory.path}: holds no checkpoint to go on from; correct --output_dir, or leave "
            "out --resume must"
        )
    if resume != "never":
        directory.check_usable_for(config)


def _scan(config, source_path, target_path, source_vocabulary, target_vocabulary):
    source, target = config.hparams.source, config.hparams.target
    return scan_parallel_text(
        source_path,
        target_path,
        source.tokenizer,
        target.tokenizer,
        source_vocabulary,
        target_vocabulary,
        source.max_seq_len,
        target.max_seq_len,
    )


def _count_steps(config: Config, steps_per_epoch: int) -> int:
    """Returns the given steps or epochs, whichever ends first."""
    limits = []
    if config.train_steps is not None:
        limits.append(config.train_steps)
    if config.train_epochs is not None:
        limits.append(config.train_epochs * steps_per_epoch)
    return min(limits) if limits else _DEFAULT_EPOCHS * steps_per_epoch
