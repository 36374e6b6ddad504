"""Working through a stream in batches of items of similar lengths."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from math import ceil
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Items are sorted by length within so many batches, and no further, so that a stream of any
# length is answered in constant memory.
BATCHES_SORTED_TOGETHER = 32

# A batch of long items holds fewer of them: at most this many tokens for each item of a full
# batch, padding included.
TOKENS_PER_ITEM = 64

# Few items are divided among the workers, but not into smaller batches than this.
LEAST_ITEMS = 16


def map_by_length(
    function: Callable[[list[Item]], Iterable[Result]],
    items: Iterable[Item],
    lengths: Callable[[Item], Sequence[int]],
    empty: Callable[[Item], Result],
    batch_size: int,
    sort: bool = True,
    workers: int = 1,
) -> Iterator[Result]:
    """Applies a function to items in batches, and yields the results in the order of the items.

    Args:
        function: Gives the results of a batch, one for each item.
        items: The items, read as they are needed.
        lengths: Gives the numbers of tokens of an item. Items are sorted by them, the first one
            first; the greatest one says how much room an item takes.
        empty: Gives the result of an item without any tokens, which is kept out of the batches.
        batch_size: The most items of a batch.
        sort: Whether to read ahead and to sort. If not, each item is answered before the next
            one is read.
        workers: How many threads call the function, each with a batch of its own.

    Raises:
        ValueError: If `batch_size` is below 1.
    """
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}")
    most = batch_size * max(BATCHES_SORTED_TOGETHER, 2 * workers) if sort else 1
    sized_items = ((item, lengths(item)) for item in items)
    with ThreadPoolExecutor(workers) as executor:
        while window := list(_read_window(sized_items, most)):
            sizes = [size for _, size in window]
            results: list[Any] = [None if any(size) else empty(item) for item, size in window]
            share = max(LEAST_ITEMS, ceil(len(window) / workers))
            batches = _batches(sizes, min(batch_size, share), batch_size * TOKENS_PER_ITEM)
            # Those of long items first: no worker begins one when the others have nothing left.
            batches = list(batches)[::-1]
            contents = [[window[index][0] for index in batch] for batch in batches]
            answered = executor.map(lambda content: list(function(content)), contents)
            for batch, answers in zip(batches, answered, strict=True):
                for index, answer in zip(batch, answers, strict=True):
                    results[index] = answer
            yield from results


def _read_window(
    sized_items: Iterator[tuple[Item, Sequence[int]]], most: int
) -> Iterator[tuple[Item, Sequence[int]]]:
    """Yields the next items: at most so many, and fewer if they are long."""
    tokens = 0
    for item, size in islice(sized_items, most):
        yield item, size
        tokens += max(size)
        if tokens >= most * TOKENS_PER_ITEM:
            return


def _batches(sizes: list[Sequence[int]], most_items: int, most_tokens: int) -> Iterator[list[int]]:
    """Yields lists of indices of similar sizes, leaving out those that are all zero."""
    order = [index for index, size in enumerate(sizes) if any(size)]
    order.sort(key=lambda index: tuple(sizes[index]))
    batch, longest = [], 0
    for index in order:
        length = max(sizes[index]) + 1
        longest = max(longest, length)
        is_full = len(batch) == most_items
        is_heavy = (len(batch) + 1) * longest > most_tokens
        if batch and (is_full or is_heavy):
            yield batch
            batch, longest = [], length
        batch.append(index)
    if batch:
        yield batch
