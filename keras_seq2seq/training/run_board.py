"""What a run shows of itself while it trains."""

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
from keras_seq2seq.files import read_lines
from keras_seq2seq.training.model_evaluation import make_translator
from keras_seq2seq.training.plan import TrainingPlan


class RunBoard:
    """The files for TensorBoard that belong to a plan, and the sample translations.

    Args:
        plan: The run.
        step: The step that it goes on from, 0 for a new one.
        console: Where to print the sample translations.

    Attributes:
        callbacks: Keras callbacks that `fit` needs for it.
    """

    def __init__(self, plan: TrainingPlan, step: int, console: Console):
        log_dir = plan.directory.logs_path
        if not step:
            _describe(plan)
        self._plan = plan
        self._curves = TensorBoardCurves(log_dir)
        self._samples = _make_samples(plan, console) if plan.config.sample_translations else None
        self._embeddings = EmbeddingProjector(
            log_dir, plan.source_vocabulary, plan.target_vocabulary
        )
        self.callbacks: list[keras.callbacks.Callback] = []
        if plan.config.profile_steps:
            self.callbacks.append(ProfileSteps(log_dir, *plan.config.profile_steps))

    def write(self, record: dict, is_best: bool):
        """Shows an evaluation, with the weights that it was made with."""
        self._curves.write(record)
        if self._samples is not None:
            self._samples.write(record)
        if is_best and self._plan.config.tensorboard_embeddings:
            self._embeddings.write(self._plan.model)


def _describe(plan: TrainingPlan):
    config = plan.config
    description = RunDescription(plan.directory.logs_path)
    names = "model", "batch_size", "buckets", "dtype", "seed"
    values = {name: getattr(config, name) for name in names}
    description.write_hyper_parameters(
        values | _flatten(config.hparams.model_dump(exclude_none=True))
    )
    description.write_graph(plan.workers.without_replicas(plan.model))


def _flatten(options: dict, prefix: str = "") -> dict:
    """Turns nested options into ones with dotted names."""
    flat = {}
    for name, value in options.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _make_samples(plan: TrainingPlan, console: Console) -> SampleTranslations:
    config = plan.config
    translator = make_translator(config, plan.model, plan.source_vocabulary, plan.target_vocabulary)
    sources, references = (
        list(islice(read_lines(path), config.sample_translations))
        for path in (config.dev_source, config.dev_target)
    )
    return SampleTranslations(translator, sources, references, plan.directory.logs_path, console)
