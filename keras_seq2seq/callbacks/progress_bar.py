"""Progress display during training."""

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from keras_seq2seq.models import steps_taken


class ProgressBar(keras.callbacks.Callback):
    """A progress bar with loss, perplexity, target tokens per second and remaining time.

    If the output is not a terminal, only one line per evaluation is printed.

    Args:
        steps: Integer, the number of training steps of the run.
        console: `rich.console.Console` to print to. Defaults to standard error.

    Example:
        >>> bar = ProgressBar(steps=10_000)
        >>> model.fit(train, verbose=0, callbacks=[bar, Evaluation(dev, observers=[bar.report])])
    """

    def __init__(self, steps, console=None):
        super().__init__()
        self.steps = steps
        self.console = console or Console(stderr=True, highlight=False)
        self._progress = None

    def on_train_begin(self, logs=None):
        self._progress = Progress(
            TextColumn("step {task.completed:,.0f}/{task.total:,.0f}"),
            BarColumn(),
            TextColumn("{task.fields[metrics]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        done = int(steps_taken(self.model.optimizer).numpy())
        self._task = self._progress.add_task("", total=self.steps, completed=done, metrics="")
        self._tokens = None
        self._progress.start()

    def on_train_batch_end(self, batch, logs=None):
        if self._progress.disable:
            return
        tokens = int(self.model.perplexity.tokens.numpy())
        now = self._progress.get_time()
        if self._tokens is None or tokens < self._tokens:  # an evaluation has reset the count
            self._tokens, self._since = tokens, now
            speed = ""
        else:
            elapsed = max(now - self._since, 1e-9)
            speed = f"{(tokens - self._tokens) / elapsed:,.0f} tok/s"
        perplexity = self.model.perplexity.as_float()
        metrics = f"loss {logs['loss']:.3f}  ppl {perplexity:,.2f}  {speed}"
        done = int(steps_taken(self.model.optimizer).numpy())
        self._progress.update(self._task, completed=done, metrics=metrics)

    def on_train_end(self, logs=None):
        if self._progress is not None:
            self._progress.stop()

    def report(self, record, is_best=False):
        """Prints the results of an evaluation in one line.

        Args:
            record: The evaluation record, see `Evaluation`.
            is_best: Boolean, whether it is the best evaluation so far.
        """
        speed = record["tokens"] / max(record["seconds"], 1e-9)
        others = [
            f"  {name.removeprefix('dev_')} {value:.2f}"
            for name, value in record.items()
            if name.startswith("dev_") and name not in ("dev_loss", "dev_perplexity")
        ]
        self.console.print(
            f"step {record['step']:,}: train ppl {record['train_perplexity']:,.2f}"
            f"  dev ppl {record['dev_perplexity']:,.2f}{''.join(others)}"
            f"  {speed:,.0f} tok/s{'  best so far' if is_best else ''}",
            soft_wrap=True,
        )
