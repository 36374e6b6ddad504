import numpy as np


def padded_batch(lengths, dim, extra=0, seed=0):
    """Returns random vectors `(batch, time, dim)` and their mask `(batch, time)`.

    The same sentences whatever `extra`, the number of positions that are padding in all of them.
    Padding holds large numbers, which must not show anywhere.
    """
    rng = np.random.default_rng(seed)
    inputs = np.full((len(lengths), max(lengths) + extra, dim), 50.0, "float32")
    mask = np.zeros(inputs.shape[:2], bool)
    for row, length in enumerate(lengths):
        inputs[row, :length] = rng.normal(size=(length, dim))
        mask[row, :length] = True
    return inputs, mask


def padded_ids(lengths, vocabulary_size, extra=0, seed=0):
    """Returns random ids `(batch, time)` from 1 on, then zeros. The same whatever `extra`."""
    rng = np.random.default_rng(seed)
    ids = np.zeros((len(lengths), max(lengths) + extra), "int32")
    for row, length in enumerate(lengths):
        ids[row, :length] = rng.integers(1, vocabulary_size, length)
    return ids
