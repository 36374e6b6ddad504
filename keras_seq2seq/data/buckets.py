"""Length boundaries of the buckets that sentences are batched in."""

from collections.abc import Iterable
from itertools import pairwise
from numbers import Integral

from keras_seq2seq.errors import UserError

_EXAMPLE = "expected growing whole numbers such as 10,15,20"


def validate_buckets(buckets: Iterable[int]) -> tuple[int, ...]:
    """Checks the boundaries of length buckets.

    `N` boundaries make `N + 1` buckets: `(10, 15)` stands for lengths below 10, from 10 to 14,
    and of 15 and more.

    Args:
        buckets: Positive whole numbers in growing order. None at all means no buckets.

    Returns:
        The boundaries as a tuple of ints.

    Raises:
        UserError: If a boundary is no whole number, is not positive, or does not grow.
    """
    boundaries = tuple(buckets)
    for boundary in boundaries:
        if isinstance(boundary, bool) or not isinstance(boundary, Integral):
            raise UserError(f"buckets: {boundary!r} is not a whole number; {_EXAMPLE}")
        if boundary < 1:
            raise UserError(f"buckets: {boundary} is not positive; {_EXAMPLE}")
    for lower, upper in pairwise(boundaries):
        if lower == upper:
            raise UserError(f"buckets: {upper} is there twice; {_EXAMPLE}")
        if lower > upper:
            raise UserError(f"buckets: {upper} comes after {lower}; {_EXAMPLE}")
    return tuple(int(boundary) for boundary in boundaries)
