"""Metrics in Prometheus format."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The metrics of a server.

    Attributes:
        requests: Counter of finished requests by endpoint and status.
        seconds: Histogram of request durations by endpoint.
        in_progress: Gauge of the requests being processed.
        texts: Counter of translated texts by model.
        batches: Histogram of the batch sizes by model.
        reloads: Counter of reloads by model and result.
    """

    def __init__(self):
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def make(kind, name, text, labels=(), **options):
            return kind(f"keras_seq2seq_{name}", text, labels, registry=registry, **options)

        self.requests = make(Counter, "requests", "Requests.", ["endpoint", "status"])
        self.seconds = make(
            Histogram, "request_seconds", "Duration of a request.", ["endpoint"], buckets=_SECONDS
        )
        self.in_progress = make(Gauge, "requests_in_progress", "Requests being processed.")
        self.texts = make(Counter, "texts", "Texts that were decoded.", ["model"])
        self.batches = make(
            Histogram, "batch_size", "Texts decoded in one batch.", ["model"], buckets=_SIZES
        )
        self.reloads = make(Counter, "reloads", "Reloads of a model.", ["model", "result"])
        self._queue = make(Gauge, "queue_length", "Texts waiting to be decoded.", ["model"])

    def watch_queue(self, model: str, length: Callable[[], int]):
        """Reports the length of a queue, which is read whenever the metrics are read."""
        self._queue.labels(model).set_function(length)

    def count_batch(self, model: str, size: int):
        """Counts a batch."""
        self.texts.labels(model).inc(size)
        self.batches.labels(model).observe(size)

    def count_reload(self, model: str, success: bool):
        """Counts a reload."""
        self.reloads.labels(model, "success" if success else "failure").inc()

    def as_text(self) -> bytes:
        """Returns all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
