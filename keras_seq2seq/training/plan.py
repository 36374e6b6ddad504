"""Plans of training runs, made after checking everything and before writing anything."""

import os
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import keras
from keras.optimizers.schedules import LearningRateSchedule

from keras_seq2seq.building.data import choose_tokenizers, make_batching
from keras_seq2seq.building.model import build_model, make_learning_rate, make_optimizer
from keras_seq2seq.building.prepared import use_prepared_data
from keras_seq2seq.config import Config, describe_difference, identity, input_files
from keras_seq2seq.config.training_flags import DEFAULT_EPOCHS, missing_text_flags
from keras_seq2seq.data import Batching, ParallelTextSummary, scan_parallel_text
from keras_seq2seq.errors import UserError
from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.text import TextEncoder, Tokenizer
from keras_seq2seq.training.checkpoints import newest_notes
from keras_seq2seq.training.initial_weights import InitialWeights, set_initial_weights
from keras_seq2seq.training.records import RunRecord
from keras_seq2seq.training.text import (
    RunText,
    adopt_choices,
    adopt_shortcuts,
    keep_initial_weights,
    plan_text,
)
from keras_seq2seq.training.workers import Workers

_SIDES = ("source", "target")
RESUME_CHOICES = ("auto", "never", "must")


@dataclass(frozen=True, kw_only=True)
class TrainingPlan(RunText):
    """A training run that has passed all checks.

    Attributes:
        directory: The model directory.
        train_summary: Statistics of the training data.
        dev_summary: Statistics of the dev data.
        batching: Buckets and batch sizes of the training data.
        steps: Number of training steps.
        model: The model, not trained and not compiled.
        initial_weights: Which weights were loaded from other files; `None` if the run is resumed.
        workers: The processes and devices to train on.
        resume: Whether to resume from the directory: "auto" (if there is a checkpoint), "never"
            or "must".
        keep_only_latest: Whether to keep only the latest checkpoint, and not as many as the
            configuration says.
    """

    directory: ModelDirectory
    train_summary: ParallelTextSummary
    dev_summary: ParallelTextSummary
    batching: Batching
    steps: int
    model: Seq2Seq
    initial_weights: InitialWeights | None
    workers: Workers
    resume: str = "auto"
    keep_only_latest: bool = False

    @property
    def fingerprints(self) -> dict[str, str]:
        """SHA-256 hashes of texts and vocabularies by the names of their flags.

        Text of tables has the names of the flags for separate files, so that the same text may come
        from other kinds of files when a run is resumed.
        """
        return {
            "train_source": self.train_summary.source.sha256,
            "train_target": self.train_summary.target.sha256,
            "dev_source": self.dev_summary.source.sha256,
            "dev_target": self.dev_summary.target.sha256,
            "vocab_source": self.source.tokenizer.fingerprint(),
            "vocab_target": self.target.tokenizer.fingerprint(),
        }

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What may not change when the run is resumed, as JSON values by dotted names."""
        texts = {name: f"SHA-256 {text[:12]}" for name, text in self.fingerprints.items()}
        return {**identity(self.config), **texts}

    @property
    def columns(self) -> dict[str, str]:
        """The flags of the text that comes from tables, by the names in `fingerprints`."""
        return {
            f"{part}_{side}": f"{part}_data ({side} column)"
            for part in ("train", "dev")
            if getattr(self.config, f"{part}_data")
            for side in _SIDES
        }


def plan_training(
    config: Config,
    output_dir: str | os.PathLike,
    resume: str = "auto",
    workers: Workers | None = None,
    text_from: ModelDirectory | None = None,
) -> TrainingPlan:
    """Checks options, files and output directory, and builds the model. Writes nothing.

    Args:
        config: The configuration.
        output_dir: The model directory: a new one, or that of a run with the same configuration.
        resume: "auto" resumes the run in the directory if it has a checkpoint; "never" starts
            over, and `train` deletes the output of the earlier run; "must" resumes or fails.
        workers: The processes and devices to train on. Defaults to those of `TF_CONFIG`, or else
            to all GPUs of this machine.
        text_from: A directory that `ModelDirectory.create` has written. A new run uses its
            tokenizers and dev data where the configuration leaves them open.

    Returns:
        The plan, for `train`.

    Raises:
        UserError: If the configuration, a file or the directory is invalid, or if the backend of
            Keras is not TensorFlow.

    Example:
        >>> config = resolve_config(["config.yaml"])
        >>> result = train(plan_training(config, "model"))
    """
    if keras.config.backend() != "tensorflow":
        raise UserError(
            f"training from a configuration needs Keras's TensorFlow backend, not "
            f"{keras.config.backend()}; remove KERAS_BACKEND, or train with the `fit` of a model"
        )
    workers = workers or Workers()
    directory = ModelDirectory(output_dir)
    is_resumed = resume != "never" and directory.has_run()
    config = use_prepared_data(config, is_resumed)
    if missing := missing_text_flags(config):
        raise UserError(f"training needs {', '.join(missing)}")
    accumulated = config.hparams.optimizer.gradient_accumulation_steps
    if workers.replicas > 1 and accumulated > 1:
        raise UserError(
            f"optimizer.gradient_accumulation_steps={accumulated}: TensorFlow does not "
            f"support it on {workers.replicas} devices; remove it, or make only one device visible"
        )
    config, stored, notes = _check_resume(directory, config, resume, is_resumed, text_from)
    if workers.is_chief:
        directory.reserved().check()
    text = plan_text(config, stored)
    text = replace(text, notes=(*notes, *text.notes))
    config, source, target = text.config, text.source, text.target
    _check_shared_embeddings(config, source.tokenizer, target.tokenizer)
    train_summary = scan_parallel_text(text.train, None, source, target)
    dev_summary = scan_parallel_text(text.dev, None, source, target)
    batching = make_batching(config, train_summary).on(workers.replicas)
    steps = _count_steps(config, batching.steps_per_epoch(train_summary.lengths))
    check_schedule(config, steps)
    resumes = resume != "never" and directory.has_checkpoints()
    model, initial_weights = _make_model(config, source, target, workers, resumes)
    plan = TrainingPlan(
        **vars(text),
        directory=directory,
        train_summary=train_summary,
        dev_summary=dev_summary,
        batching=batching,
        steps=steps,
        model=model,
        initial_weights=initial_weights,
        workers=workers,
        resume=resume,
    )
    if resumes:
        RunRecord(directory.run_path).check_data(plan.fingerprints, plan.columns)
        _check_checkpoints(plan)
    return plan


def with_seed(plan: TrainingPlan, seed: int) -> TrainingPlan:
    """Returns the plan of another new run, with the same text and a new model.

    Args:
        plan: The plan.
        seed: The seed of the weights and of the order of the text.
    """
    config = plan.config.model_copy(update={"seed": seed})
    model, initial_weights = _make_model(config, plan.source, plan.target, plan.workers, False)
    return replace(plan, config=config, model=model, initial_weights=initial_weights)


def _make_model(
    config: Config, source: TextEncoder, target: TextEncoder, workers: Workers, resumes: bool
) -> tuple[Seq2Seq, InitialWeights | None]:
    keras.utils.set_random_seed(config.seed)
    with workers.strategy.scope():
        model = build_model(
            config, source.tokenizer.vocabulary_size(), target.tokenizer.vocabulary_size()
        )
        if resumes:
            return model, None
        return model, set_initial_weights(model, config, (source.vocabulary, target.vocabulary))


def prepare(*args, **kwargs) -> TrainingPlan:
    """Deprecated name of `plan_training`."""
    warnings.warn("prepare is deprecated; use plan_training", DeprecationWarning, stacklevel=2)
    return plan_training(*args, **kwargs)


def check_schedule(config: Config, steps: int):
    """Checks what depends on the number of training steps.

    Raises:
        UserError: If the optimizer or the learning rate cannot be created, or if steps after the
            last one are to be profiled.
    """
    make_optimizer(config.hparams.optimizer, make_learning_rate(config, steps))
    if config.profile_steps and config.profile_steps[1] > steps:
        raise UserError(
            f"--profile_steps ends with step {config.profile_steps[1]:,}, but training ends "
            f"with step {steps:,}; choose earlier steps"
        )


def compile_model(plan: TrainingPlan) -> float | LearningRateSchedule:
    """Compiles the model of a plan, and returns its learning rate."""
    config, model = plan.config, plan.model
    with plan.workers.strategy.scope():
        learning_rate = make_learning_rate(config, plan.steps)
        optimizer = make_optimizer(config.hparams.optimizer, learning_rate)
        optimizer.build(model.trainable_variables)
        loss = MaskedCrossEntropy(label_smoothing=config.hparams.optimizer.label_smoothing)
        model.compile(optimizer, loss=loss)
    return learning_rate


def _check_resume(
    directory: ModelDirectory,
    config: Config,
    resume: str,
    is_resumed: bool,
    text_from: ModelDirectory | None,
) -> tuple[Config, ModelDirectory | None, list[str]]:
    """Checks the directory, and returns the configuration with the choices of an earlier run.

    Returns:
        The configuration, the directory with the tokenizers and dev data to use, if any, and
        lines that report what is not used.
    """
    if resume not in RESUME_CHOICES:
        raise UserError(f"--resume: expected auto, never or must, got {resume}")
    directory.check_is_directory()
    if resume == "must" and not directory.has_checkpoints():
        raise UserError(
            f"{directory.path}: no checkpoint to resume from; correct --output_dir, or remove "
            "--resume must"
        )
    if resume == "never":
        directory.check_can_start_over(input_files(config))
    else:
        directory.check_can_resume()
    if is_resumed:
        before, notes = directory.load_config(), []
        config = adopt_choices(choose_tokenizers(config), before, is_resumed=True)
        directory.check_usable_for(config)
        if directory.has_checkpoints():
            config, notes = keep_initial_weights(config, before)
        return config, directory, notes
    if text_from is not None:
        config = adopt_choices(config, text_from.load_config(), is_resumed=False)
    if config.init_from is not None and not config.init_pattern:
        initial = ModelDirectory(config.init_from).load_config()
        config = adopt_shortcuts(config, initial)
    return config, text_from, []


def _check_checkpoints(plan: TrainingPlan):
    """Checks that the newest checkpoint is one of this run, whatever the other files say."""
    newest = newest_notes(plan.directory.checkpoints_path)
    if newest is None:
        return
    path, notes = newest
    here = plan.identity
    # Other versions may have other options.
    there = {name: value for name, value in notes.get("run", {}).items() if name in here}
    if difference := describe_difference(there, {name: here[name] for name in there}):
        raise UserError(
            f"{path}: checkpoint of another run, with {difference}; use the options and the text "
            "of that run, restore the checkpoints of this one, or choose another --output_dir"
        )


def _check_shared_embeddings(config: Config, source: Tokenizer, target: Tokenizer):
    if not config.hparams.embedding.share or source == target:
        return
    if config.vocab_source is None or config.vocab_target is None:
        raise UserError(
            "embedding.share needs one vocabulary for both sides; build it with --joint_vocabulary"
        )
    if source.name != target.name:
        raise UserError(
            f"embedding.share needs one tokenizer for both sides, not {source.name} and "
            f"{target.name}; set source.tokenizer and target.tokenizer"
        )
    raise UserError(
        f"embedding.share needs one vocabulary for both sides, but {config.vocab_source} and "
        f"{config.vocab_target} differ; build one from both texts: keras-seq2seq vocab A B"
    )


def _count_steps(config: Config, steps_per_epoch: int) -> int:
    """Returns the number of steps of `train_steps` and `train_epochs`, whichever ends first."""
    limits = []
    if config.train_steps is not None:
        limits.append(config.train_steps)
    if config.train_epochs is not None:
        limits.append(config.train_epochs * steps_per_epoch)
    return min(limits) if limits else DEFAULT_EPOCHS * steps_per_epoch
