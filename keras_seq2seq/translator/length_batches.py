"""Processing of a stream in batches of similar length."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from math import ceil
from numbers import Integral
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Number of batches to read ahead and to sort by length. It is limited, so that streams of any
# length are processed in constant memory.
BATCHES_SORTED_TOGETHER = 32

# Maximum number of tokens per item of a full batch, including padding. Batches of longer items have
# fewer items.
TOKENS_PER_ITEM = 64

# Minimum batch size when few items are divided among the workers.
MIN_ITEMS = 16


def check_batch_size(batch_size: Any):
    """Raises `ValueError` unless `batch_size` is an integer of at least 1."""
    if not isinstance(batch_size, Integral) or batch_size < 1:
        raise ValueError(f"`batch_size` must be an integer of at least 1. Received: {batch_size!r}")


def map_by_length(
    function: Callable[[list[Item]], Iterable[Result]],
    items: Iterable[Item],
    lengths: Callable[[Item], Sequence[int]],
    empty: Callable[[Item], Result],
    batch_size: int,
    sort: bool = True,
    workers: int = 1,
) -> Iterator[Result]:
    """Applies a function to batches of items, and yields the results in the order of the items.

    Args:
        function: Returns the results of a batch, one for each item.
        items: The items, read on demand.
        lengths: Returns the numbers of tokens of an item. Items are sorted by the first number,
            then by the next. The largest number determines the size of the item.
        empty: Returns the result of an item without tokens. Such items are not batched.
        batch_size: Maximum number of items per batch.
        sort: Whether to read ahead and to sort. If not, the result of each item is yielded before
            the next one is read.
        workers: Number of threads that call the function, each with its own batch. A single batch
            is processed in the calling thread.
    """
    max_items = batch_size * max(BATCHES_SORTED_TOGETHER, 2 * workers) if sort else 1
    sized_items = ((item, lengths(item)) for item in items)
    with _Threads(workers) as threads:
        while window := list(_read_window(sized_items, max_items)):
            sizes = [size for _, size in window]
            results: list[Any] = [None if any(size) else empty(item) for item, size in window]
            share = max(MIN_ITEMS, ceil(len(window) / workers))
            batches = _batches(sizes, min(batch_size, share), batch_size * TOKENS_PER_ITEM)
            # Longest first, so that no worker starts a long batch when the others are done.
            batches = list(batches)[::-1]
            contents = [[window[index][0] for index in batch] for batch in batches]
            answered = threads.map(lambda content: list(function(content)), contents)
            for batch, answers in zip(batches, answered, strict=True):
                for index, answer in zip(batch, answers, strict=True):
                    results[index] = answer
            yield from results


class _Threads:
    """A pool of threads that is created when there is more than one batch to process.

    A single batch needs no other thread, which would take longer to answer.
    """

    def __init__(self, workers: int):
        self._workers = workers
        self._executor: Any = None

    def __enter__(self) -> "_Threads":
        return self

    def __exit__(self, *_):
        if self._executor is not None:
            self._executor.shutdown()

    def map(self, function: Callable[[Item], Result], items: list[Item]) -> Iterable[Result]:
        if len(items) < 2:
            return map(function, items)
        if self._executor is None:
            # A single sentence is translated sooner without this import.
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(self._workers)
        return self._executor.map(function, items)


def _read_window(
    sized_items: Iterator[tuple[Item, Sequence[int]]], max_items: int
) -> Iterator[tuple[Item, Sequence[int]]]:
    """Yields the next items: at most `max_items`, and fewer if they are long."""
    tokens = 0
    for item, size in islice(sized_items, max_items):
        yield item, size
        tokens += max(size)
        if tokens >= max_items * TOKENS_PER_ITEM:
            return


def _batches(sizes: list[Sequence[int]], max_items: int, max_tokens: int) -> Iterator[list[int]]:
    """Yields lists of indices of similar sizes, without empty items."""
    order = [index for index, size in enumerate(sizes) if any(size)]
    order.sort(key=lambda index: tuple(sizes[index]))
    batch, longest = [], 0
    for index in order:
        length = max(sizes[index]) + 1
        longest = max(longest, length)
        is_full = len(batch) == max_items
        is_heavy = (len(batch) + 1) * longest > max_tokens
        if batch and (is_full or is_heavy):
            yield batch
            batch, longest = [], length
        batch.append(index)
    if batch:
        yield batch
