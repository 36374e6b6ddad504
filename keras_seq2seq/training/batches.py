"""The batches of a planned run."""

import numpy as np
import tensorflow as tf

from keras_seq2seq.building.batching import make_batching
from keras_seq2seq.data import Batching, make_dataset
from keras_seq2seq.training.plan import TrainingPlan


def train_batches(plan: TrainingPlan, step: int) -> tf.data.Dataset:
    """Returns the batches after a step, or this process's parts of them."""
    workers = plan.workers
    dataset = _stream(plan, parts=workers.parts, num_shards=workers.replicas)
    return workers.spread(dataset.skip(step * len(workers.parts)))


def dev_batches(plan: TrainingPlan) -> tf.data.Dataset:
    """Returns the dev data, all of it for each device: the mean over all stays what it is.

    It is kept in memory as ids, since to begin to read the files takes half a second each time.
    """
    batching = make_batching(plan.config, plan.dev_summary)
    dataset = make_dataset(
        plan.config.dev_source, plan.config.dev_target, **_data_options(plan, batching)
    ).cache()
    copies = len(plan.workers.parts)
    if copies > 1:
        dataset = dataset.flat_map(
            lambda *batch: tf.data.Dataset.from_tensors(batch).repeat(copies)
        )
    # Keras warns of a dataset that ends without having told how many batches it has.
    batches = dataset.reduce(np.int64(0), lambda count, _: count + 1)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches))
    return plan.workers.spread(dataset)


def lines_of_steps(plan: TrainingPlan, first: int, last: int) -> list[list[int]]:
    """Returns the numbers of the lines that each of some steps was made on.

    The data are read a second time for it, so that training need not carry line numbers along.
    """
    batches = _stream(plan, line_numbers=True).skip(first - 1).take(last - first + 1)
    return [numbers.numpy().tolist() for *_, numbers in batches]


def _stream(plan: TrainingPlan, **options) -> tf.data.Dataset:
    config = plan.config
    return make_dataset(
        config.train_source,
        config.train_target,
        **_data_options(plan, plan.batching),
        **options,
        shuffle=True,
        seed=config.seed,
        epochs=None,
    )


def _data_options(plan: TrainingPlan, batching: Batching) -> dict:
    hparams = plan.config.hparams
    return {
        "source_vocabulary": plan.source_vocabulary,
        "target_vocabulary": plan.target_vocabulary,
        "source_tokenizer": hparams.source.tokenizer,
        "target_tokenizer": hparams.target.tokenizer,
        "batch_size": batching.batch_sizes,
        "buckets": batching.buckets,
        "source_max_length": hparams.source.max_seq_len,
        "target_max_length": hparams.target.max_seq_len,
        "reverse_source": hparams.source.reverse,
    }
