"""What a training run reads and writes: batches, dev translations and TensorBoard files."""

from collections.abc import Callable
from itertools import islice

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from keras_seq2seq.building import make_batching, make_search
from keras_seq2seq.callbacks import (
    EmbeddingProjector,
    ProfileSteps,
    RunDescription,
    SampleTranslations,
    TensorBoardCurves,
)
from keras_seq2seq.config import Config
from keras_seq2seq.config.section import flatten_options
from keras_seq2seq.data import make_dataset
from keras_seq2seq.decoding import SamplingSearch
from keras_seq2seq.errors import RunError
from keras_seq2seq.files import LiteralDirectory, printable
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.text import TextEncoder
from keras_seq2seq.training.model_evaluation import translate_and_score
from keras_seq2seq.training.plan import TrainingPlan
from keras_seq2seq.translator import Translator, UnkReplacement

_DEV_BATCH_SIZE = 128


def train_batches(plan: TrainingPlan, step: int) -> tf.data.Dataset:
    """Returns the batches after a step: the shards of this process if there are several."""
    workers = plan.workers
    shards = {"shards": workers.shards, "num_shards": workers.replicas}
    return workers.spread(_stream(plan, skip_batches=step, **shards))


def dev_batches(plan: TrainingPlan) -> tf.data.Dataset:
    """Returns the dev data. Each device gets all of them, which does not change the mean.

    The ids are cached in memory, since opening the files takes half a second each time.
    """
    batching = make_batching(plan.config, plan.dev_summary)
    dataset = make_dataset(
        plan.dev,
        None,
        plan.source,
        plan.target,
        batch_size=batching.batch_sizes,
        buckets=batching.buckets,
    ).cache()
    copies = len(plan.workers.shards)
    if copies > 1:
        dataset = dataset.flat_map(
            lambda *batch: tf.data.Dataset.from_tensors(batch).repeat(copies)
        )
    # Keras warns about a dataset of unknown cardinality that ends.
    batches = dataset.reduce(np.int64(0), lambda count, _: count + 1)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches))
    return plan.workers.spread(dataset)


def lines_of_steps(plan: TrainingPlan, first: int, last: int) -> list[list[int]]:
    """Returns the line numbers of the pairs in the batches of steps `first` to `last`.

    This reads the data again, so that training need not carry line numbers along.
    """
    batches = _stream(plan, line_numbers=True, skip_batches=first - 1).take(last - first + 1)
    return [numbers.numpy().tolist() for *_, numbers in batches]


def divergence_error(plan: TrainingPlan, step: int, what: str) -> RunError:
    """Returns the error of a diverged run, with the lines of its last batches."""
    *before, lines = [
        ", ".join(map(str, numbers)) for numbers in lines_of_steps(plan, max(step - 1, 1), step)
    ]
    before = f" (previous step: {plan.train.unit}s {before[0]})" if before else ""
    advice = (
        "correct these lines, or train with a lower optimizer.learning_rate or "
        "optimizer.clip_gradients"
    )
    if plan.directory.has_checkpoints():
        advice = (
            f"earlier checkpoints are intact; {advice}, in another --output_dir or with "
            "--resume never"
        )
    return RunError(
        f"step {step:,}: {what}; its batch is {plan.train.unit}s {lines} of "
        f"{' and '.join(plan.train.names)}{before}; {advice}"
    )


def _stream(plan: TrainingPlan, **options) -> tf.data.Dataset:
    return make_dataset(
        plan.train,
        None,
        plan.source,
        plan.target,
        batch_size=plan.batching.batch_sizes,
        buckets=plan.batching.buckets,
        shuffle=True,
        seed=plan.config.seed,
        epochs=None,
        **options,
    )


def make_translator(
    config: Config, model: Seq2Seq, source: TextEncoder, target: TextEncoder
) -> Translator:
    """Creates a translator for a model in training, with the decoding options of `config`.

    Each call uses the current weights of the model.
    """
    inference = config.hparams.inference
    search = make_search(inference, target.vocabulary)
    if isinstance(search, SamplingSearch):
        # The same draws at every call, so that a resumed run has the same results.
        options = search.get_config() | {"seed": inference.sampling.seed}
        search = SamplingSearch.from_config(options)
    return Translator(
        model,
        source,
        target,
        search=search,
        unk_replacement=UnkReplacement() if inference.unk_replace else None,
    )


def make_dev_scorer(plan: TrainingPlan) -> Callable[[], dict[str, float]]:
    """Returns a function that translates and scores the dev data with the current weights."""
    config = plan.config
    translator = make_translator(config, plan.model, plan.source, plan.target)
    sources, targets = map(list, zip(*plan.dev, strict=True))
    # Text for the whitespace tokenizer is already tokenized.
    tokenize = "none" if plan.target.tokenizer.name == "whitespace" else "13a"

    def measure():
        scores = translate_and_score(
            translator,
            sources,
            targets,
            [config.best_metric],
            tokenize=tokenize,
            batch_size=_DEV_BATCH_SIZE,
        )
        # All processes use the score of the chief, so that they stop at the same step.
        return {name: plan.workers.of_chief(score) for name, score in scores.items()}

    return measure


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
    for name, value in flatten_options(config.hparams.model_dump(exclude_none=True)):
        values[name] = printable(value) if isinstance(value, str) else value
    description.write_hyper_parameters(values)
    description.write_graph(plan.workers.without_replicas(plan.model))


def _make_samples(plan: TrainingPlan, log_dir: str, console: Console) -> SampleTranslations:
    config = plan.config
    translator = make_translator(config, plan.model, plan.source, plan.target)
    pairs = islice(plan.dev, config.sample_translations)
    sources, references = map(list, zip(*pairs, strict=True))
    return SampleTranslations(translator, sources, references, log_dir, console)
