"""A queue of texts, and the threads that translate them."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from math import ceil
from typing import NamedTuple

from keras_seq2seq.translator.text_translator import TextTranslator, TooLongError
from keras_seq2seq.translator.translation import Translation


class QueueFullError(Exception):
    """The queue has no room for the texts of a request."""


class _Job(NamedTuple):
    number: int
    text: str
    prefix: str
    with_scores: bool
    with_attention: bool
    future: asyncio.Future


class Engine:
    """Translates texts in the order in which they arrive, in a limited number of threads.

    A thread that becomes free takes its share of the texts that arrived in the meantime as one
    batch; it never waits for a batch to fill up. Texts whose request was canceled are skipped.

    Args:
        translator: The translator, which may be called by several threads.
        executor: The threads.
        threads: Number of threads to use.
        batch_size: Maximum number of texts that a thread translates at once.
        max_queue: Maximum number of waiting texts.
        on_batch: Function that is called with the size of each batch.

    Example:
        >>> executor = ThreadPoolExecutor(2)
        >>> engine = Engine(translator, executor, threads=2, batch_size=1, max_queue=256)
        >>> engine.start()
        >>> [translation] = await engine.translate(["ein mann schläft ."])
        >>> await engine.close()
    """

    def __init__(
        self,
        translator: TextTranslator,
        executor: Executor,
        *,
        threads: int,
        batch_size: int,
        max_queue: int,
        on_batch: Callable[[int], None] = lambda size: None,
    ):
        self.translator = translator
        self._executor = executor
        self._threads = threads
        self._batch_size = batch_size
        self._max_queue = max_queue
        self._on_batch = on_batch
        self._queue: deque[_Job] = deque()
        self._workers: list[asyncio.Task] = []
        self._arrived = asyncio.Event()
        self._closing = False

    @property
    def queue_length(self) -> int:
        """Number of texts waiting to be decoded."""
        return len(self._queue)

    def start(self):
        """Starts the workers in the running event loop."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._threads)]

    async def close(self):
        """Translates the texts that are still waiting, then stops the workers."""
        self._closing = True
        self._arrived.set()
        await asyncio.gather(*self._workers)

    async def translate(
        self,
        texts: Sequence[str],
        prefixes: Sequence[str] | None = None,
        *,
        with_scores: bool = True,
        with_attention: bool = False,
    ) -> list[Translation]:
        """Translates texts. If the caller is canceled, texts that are still waiting are skipped.

        Args:
            texts: The texts.
            prefixes: The text that the translation of each text must begin with.
            with_scores: Whether to return scores.
            with_attention: Whether to return attention weights, if the model has attention.

        Returns:
            The translations in the order of the texts.

        Raises:
            QueueFullError: If too many texts are waiting.
            UserError: If a text or a prefix has too many tokens.
        """
        if self.queue_length + len(texts) > self._max_queue:
            raise QueueFullError
        create = asyncio.get_running_loop().create_future
        jobs = [
            _Job(number, text, prefix, with_scores, with_attention, create())
            for number, (text, prefix) in enumerate(
                zip(texts, prefixes or [""] * len(texts), strict=True), 1
            )
        ]
        self._queue.extend(jobs)
        self._arrived.set()
        try:
            return await asyncio.gather(*(job.future for job in jobs))
        finally:
            for job in jobs:
                job.future.cancel()
            # Texts whose request was canceled or has failed no longer wait.
            self._queue = deque(job for job in self._queue if not job.future.done())

    async def _work(self):
        loop = asyncio.get_running_loop()
        while True:
            batch = self._take_batch()
            if batch:
                self._on_batch(len(batch))
                outcomes = await loop.run_in_executor(self._executor, self._run, batch)
                for job, outcome in zip(batch, outcomes, strict=True):
                    if job.future.done():
                        continue
                    if isinstance(outcome, Exception):
                        job.future.set_exception(outcome)
                    else:
                        job.future.set_result(outcome)
            elif self._closing:
                return
            else:
                self._arrived.clear()
                await self._arrived.wait()

    def _take_batch(self) -> list[_Job]:
        share = min(self._batch_size, ceil(len(self._queue) / self._threads))
        batch: list[_Job] = []
        while self._queue and len(batch) < share:
            job = self._queue.popleft()
            if not job.future.done():
                batch.append(job)
        return batch

    def _run(self, batch: list[_Job]) -> list[Translation | Exception]:
        try:
            return list(
                self.translator.stream(
                    [job.text for job in batch],
                    self._batch_size,
                    prefixes=[job.prefix for job in batch],
                    with_scores=any(job.with_scores for job in batch),
                    with_attention=any(job.with_attention for job in batch),
                )
            )
        except Exception as error:
            # A text that fails does not affect the other requests in its batch.
            if len(batch) > 1:
                return [self._run([job])[0] for job in batch]
            if isinstance(error, TooLongError):
                # The number in the request, not in the batch.
                error = TooLongError(error.name, batch[0].number, error.problem)
            return [error]
