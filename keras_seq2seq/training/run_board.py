"""TensorBoard files and sample translations of a training run."""

from itertools import islice

import keras
from rich.console import Console

from keras_seq2seq.callbacks import (
    EmbeddingProjector,
    ProfileSteps,
    RunDescription,
    SampleTranslations,
    TensorBoardCurves,
)
from keras_seq2seq.files import LiteralDirectory, printable
from keras_seq2seq.training.model_evaluation import make_translator
from keras_seq2seq.training.plan import TrainingPlan


class RunBoard:
    """Writes the TensorBoard files and the sample translations of a run.

    Args:
        plan: The training plan.
        step: The step that the run is resumed from, 0 for a new run.
        console: Where to print the sample translations.

    Attributes:
        callbacks: Keras callbacks to pass to `fit`.
    """

    def __init__(self, plan: TrainingPlan, step: int, console: Console):
        self._logs = LiteralDirectory(plan.directory.logs_path)
        log_dir = self._logs.path
        if not step:
            _describe(plan, log_dir)
        self._plan = plan
        self._curves = TensorBoardCurves(log_dir)
        self._samples = (
            _make_samples(plan, log_dir, console) if plan.config.sample_translations else None
        )
        self._embeddings = EmbeddingProjector(
            log_dir, plan.source.vocabulary, plan.target.vocabulary
        )
        self.callbacks: list[keras.callbacks.Callback] = []
        if plan.config.profile_steps:
            self.callbacks.append(ProfileSteps(log_dir, *plan.config.profile_steps))

    def write(self, record: dict, is_best: bool):
        """Writes an evaluation. The model must have the weights that were evaluated."""
        self._curves.write(record)
        if self._samples is not None:
            self._samples.write(record)
        if is_best and self._plan.config.tensorboard_embeddings:
            self._embeddings.write(self._plan.model)


def _describe(plan: TrainingPlan, log_dir: str):
    config = plan.config
    description = RunDescription(log_dir)
    names = "model", "batch_size", "buckets", "dtype", "seed"
    values = {name: getattr(config, name) for name in names}
    description.write_hyper_parameters(
        values | _flatten(config.hparams.model_dump(exclude_none=True))
    )
    description.write_graph(plan.workers.without_replicas(plan.model))


def _flatten(options: dict, prefix: str = "") -> dict:
    """Flattens nested options, with dotted names."""
    flat = {}
    for name, value in options.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = printable(value) if isinstance(value, str) else value
    return flat


def _make_samples(plan: TrainingPlan, log_dir: str, console: Console) -> SampleTranslations:
    config = plan.config
    translator = make_translator(config, plan.model, plan.source, plan.target)
    pairs = islice(plan.dev, config.sample_translations)
    sources, references = map(list, zip(*pairs, strict=True))
    return SampleTranslations(translator, sources, references, log_dir, console)
