"""Length boundaries of the buckets that sentence pairs are batched in."""

from collections.abc import Iterable
from itertools import pairwise
from numbers import Integral

from keras_seq2seq.errors import UserError

_EXAMPLE = "expected growing whole numbers such as 10,15,20"
_PAIR_EXAMPLE = "expected lengths of source and target such as 10x12"


def validate_buckets(buckets: Iterable[int | str | tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Checks the boundaries of length buckets.

    `N` boundaries make `N + 1` buckets. A pair is in the first bucket whose boundary both its
    lengths are below, or in the last one. So `(10, 15)` stands for lengths below 10, from 10 to
    14, and of 15 and more, where the longer side counts; `("10x12", 15)` begins with sources below
    10 that have targets below 12.

    Args:
        buckets: Boundaries: a number for both sides, or one for source and one for target, as a
            tuple or as text. Numbers are positive; those for both sides grow. None at all means
            one bucket.

    Returns:
        The boundaries `(source, target)`.

    Raises:
        UserError: If a boundary is no whole number, is not positive, or leaves nothing between
            itself and one before it.
    """
    boundaries = tuple(buckets)
    checked = tuple(_read_boundary(boundary) for boundary in boundaries)
    if all(isinstance(boundary, Integral) for boundary in boundaries):
        for lower, upper in pairwise(boundaries):
            if lower == upper:
                raise UserError(f"buckets: {upper} is there twice; {_EXAMPLE}")
            if lower > upper:
                raise UserError(f"buckets: {upper} comes after {lower}; {_EXAMPLE}")
    for index, (source, target) in enumerate(checked):
        for earlier_source, earlier_target in checked[:index]:
            if source <= earlier_source and target <= earlier_target:
                raise UserError(
                    f"buckets: {source}x{target} would stay empty, since it comes after "
                    f"{earlier_source}x{earlier_target}"
                )
    return checked


def _read_boundary(boundary) -> tuple[int, int]:
    example = _EXAMPLE
    if isinstance(boundary, str) and "x" in boundary:
        example = _PAIR_EXAMPLE
        sides = boundary.split("x")
        if len(sides) != 2 or not all(side.isascii() and side.isdigit() for side in sides):
            raise UserError(f"buckets: {boundary!r} is no pair of whole numbers; {example}")
        boundary = tuple(int(side) for side in sides)
    sides = boundary if isinstance(boundary, tuple) and len(boundary) == 2 else (boundary,) * 2
    for side in sides:
        if isinstance(side, bool) or not isinstance(side, Integral):
            raise UserError(f"buckets: {boundary!r} is not a whole number; {example}")
        if side < 1:
            raise UserError(f"buckets: {side} is not positive; {example}")
    return tuple(int(side) for side in sides)
