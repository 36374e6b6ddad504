"""The models of a server."""

import asyncio
import gc
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from keras_seq2seq.runtime import Translator as ExportedTranslator
from keras_seq2seq.serving.engine import Engine
from keras_seq2seq.translator.text_translator import TextTranslator

_log = logging.getLogger("keras_seq2seq.serving")


class ServedModels:
    """Models by name, each of which can be replaced by a new version while it is in use.

    The constructor loads all models, so a directory that cannot be read is reported at startup.

    Args:
        loaders: For each name, a function that loads the model.
        threads: Number of threads per exported model, each of which decodes one text at a time.
        batch_size: Maximum number of texts that other models decode at once, on all cores.
        max_queue: Maximum number of waiting texts per model.

    Raises:
        UserError: If a model cannot be loaded.

    Example:
        >>> models = ServedModels(
        ...     {"de-en": partial(Translator, "exported")}, threads=2, batch_size=64, max_queue=256
        ... )
    """

    def __init__(
        self,
        loaders: Mapping[str, Callable[[], TextTranslator]],
        *,
        threads: int,
        batch_size: int,
        max_queue: int,
    ):
        self._loaders = dict(loaders)
        self._threads = threads
        self._batch_size = batch_size
        self._max_queue = max_queue
        # Loads one model at a time. The threads are kept, since each new thread fragments memory.
        self._loading = ThreadPoolExecutor(1, "load")
        self._executors = {name: ThreadPoolExecutor(threads, name) for name in self._loaders}
        self._retired: set[asyncio.Task] = set()
        self._engines: dict[str, Engine] = {}
        # The first version of a model is 1; each successful reload increases it.
        self._versions = dict.fromkeys(self._loaders, 1)
        # Functions that are called with the name of a model: see `make_app`.
        self.on_batch: Callable[[str, int], None] = lambda name, size: None
        self.on_reload: Callable[[str, bool], None] = lambda name, success: None
        # Until `start`.
        self._translators = {name: self._load(name) for name in self._loaders}

    @property
    def names(self) -> list[str]:
        """The names of the models; the first one is the default."""
        return list(self._loaders)

    def engine(self, name: str) -> Engine:
        """Returns the current engine of a model."""
        return self._engines[name]

    def version(self, name: str) -> int:
        """Returns the current version of a model."""
        return self._versions[name]

    def describe(self, name: str) -> dict[str, Any]:
        """Returns name, version and capabilities of a model as JSON values."""
        translator = self._engines[name].translator
        return {
            "name": name,
            "version": str(self._versions[name]),
            "state": "AVAILABLE",
            "n_best": translator.n_best,
            "attention": translator.has_attention,
            "beam_tree": _returns_tree(translator),
        }

    async def start(self):
        """Starts the threads, in the running event loop."""
        while self._translators:
            name, translator = self._translators.popitem()
            self._engines[name] = self._start_engine(name, translator)

    async def close(self):
        """Translates the texts that are still waiting, then stops the threads."""
        await asyncio.gather(*(engine.close() for engine in self._engines.values()), *self._retired)
        for executor in (self._loading, *self._executors.values()):
            executor.shutdown(wait=False)

    async def reload(self, name: str):
        """Reloads a model from the same directory.

        The old version answers requests until the new one is ready, and remains in use if the new
        one cannot be loaded.

        Raises:
            Exception: If the model cannot be loaded; a `UserError` if the directory is at fault.
        """
        loop = asyncio.get_running_loop()
        try:
            translator = await loop.run_in_executor(self._loading, self._load, name)
        except Exception as error:
            _log.error("%s: not reloaded, the old version remains: %s", name, error)
            self.on_reload(name, False)
            raise
        old = self._engines[name]
        self._engines[name] = self._start_engine(name, translator)
        self._versions[name] += 1
        self.on_reload(name, True)
        task = loop.create_task(self._retire(old))
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)

    async def _retire(self, engine: Engine):
        # The old version still translates the texts that it has accepted.
        await engine.close()
        del engine
        # TensorFlow models contain reference cycles.
        await asyncio.get_running_loop().run_in_executor(self._loading, gc.collect)

    async def reload_all(self):
        """Reloads all models, and logs those that fail."""
        await asyncio.gather(*map(self.reload, self._loaders), return_exceptions=True)

    def _load(self, name: str) -> TextTranslator:
        translator = self._loaders[name]()
        if isinstance(translator, ExportedTranslator):
            translator.prepare(self._threads)
        # Traces the functions that requests will use, so that the first request is fast too.
        for with_scores, with_attention in ((False, False), (True, False), (True, True)):
            list(translator.stream(["."], with_scores=with_scores, with_attention=with_attention))
        return translator

    def _start_engine(self, name: str, translator: TextTranslator) -> Engine:
        is_exported = isinstance(translator, ExportedTranslator)
        engine = Engine(
            translator,
            self._executors[name],
            # Other models divide a batch among the cores.
            threads=self._threads if is_exported else 1,
            batch_size=1 if is_exported else self._batch_size,
            max_queue=self._max_queue,
            on_batch=lambda size: self.on_batch(name, size),
        )
        engine.start()
        return engine


def _returns_tree(translator: TextTranslator) -> bool:
    if isinstance(translator, ExportedTranslator):
        return translator.options.search == "beam"
    return getattr(translator.search, "return_tree", False)
