"""The batches of a training plan."""

import numpy as np
import tensorflow as tf

from keras_seq2seq.building.data import make_batching
from keras_seq2seq.data import make_dataset
from keras_seq2seq.training.plan import TrainingPlan


def train_batches(plan: TrainingPlan, step: int) -> tf.data.Dataset:
    """Returns the batches after a step: the shards of this process if there are several."""
    workers = plan.workers
    dataset = _stream(plan, shards=workers.shards, num_shards=workers.replicas)
    return workers.spread(dataset.skip(step * len(workers.shards)))


def dev_batches(plan: TrainingPlan) -> tf.data.Dataset:
    """Returns the dev data. Each device gets all of it, which does not change the mean.

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
    batches = _stream(plan, line_numbers=True).skip(first - 1).take(last - first + 1)
    return [numbers.numpy().tolist() for *_, numbers in batches]


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
