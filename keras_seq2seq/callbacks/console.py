"""Progress of training on the console."""

import sys

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from keras_seq2seq.callbacks.run_control import current_step
from keras_seq2seq.files.standard_streams import LenientStream
from keras_seq2seq.wording import show_seconds

_MIN_BAR = 4


def error_console() -> Console:
    """Opens standard error for messages.

    Returns:
        A `rich.console.Console`, which ignores errors if the stream is closed or a broken pipe.

    Example:
        >>> print_line(error_console(), "Training starts.")
    """
    stream = sys.stderr
    if stream is not None and not isinstance(stream, LenientStream):
        stream = LenientStream(stream)
    return Console(file=stream, stderr=True, highlight=False)


def print_line(console: Console, line: str):
    """Prints text literally, wrapped between words on a terminal and in one line to a file.

    Args:
        console: `rich.console.Console` to print to.
        line: String to print.

    Example:
        >>> print_line(console, "step 100: dev ppl 8.10")
    """
    console.print(
        line, soft_wrap=not console.is_terminal, markup=False, emoji=False, highlight=False
    )


class ProgressBar(keras.callbacks.Callback):
    """A progress bar with loss, perplexity, target tokens per second and remaining time.

    In a narrow terminal, some of these are left out. If the output is not a terminal, only one line
    per evaluation is printed.

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
        self.console = console or error_console()
        self._progress = None

    def on_train_begin(self, logs=None):
        self._progress = Progress(
            TextColumn("{task.fields[step]}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[metrics]}", markup=False),
            console=self.console,
            expand=True,
            transient=True,
            disable=not self.console.is_terminal,
        )
        done = current_step(self.model)
        self._task = self._progress.add_task(
            "", total=self.steps, completed=done, step=self._describe_step(done), metrics=""
        )
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
        step = current_step(self.model)
        left = self._progress.tasks[self._task].time_remaining
        self._progress.update(
            self._task,
            completed=step,
            step=self._describe_step(step),
            metrics=self._describe_metrics(logs["loss"], speed, left),
        )

    def _describe_step(self, step):
        return f"step {step:,}/{self.steps:,}"

    def _describe_metrics(self, loss, speed, seconds_left):
        """Returns as many of the values as fit next to a bar, the most important ones."""
        room = self.console.width - len(self._describe_step(self.steps)) - _MIN_BAR - 2
        values = {
            "ppl": f"ppl {self.model.perplexity.as_float():,.2f}",
            "left": "" if seconds_left is None else f"{show_seconds(seconds_left)} left",
            "speed": speed,
            "loss": f"loss {loss:.3f}",
        }
        shown = []
        for name, value in values.items():
            if sum(len(values[other]) + 2 for other in shown) + len(value) > room:
                break
            if value:
                shown.append(name)
        return "  ".join(values[name] for name in ("loss", "ppl", "speed", "left") if name in shown)

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
        print_line(
            self.console,
            f"step {record['step']:,}: train ppl {record['train_perplexity']:,.2f}"
            f"  dev ppl {record['dev_perplexity']:,.2f}{''.join(others)}"
            f"  {speed:,.0f} tok/s{'  best so far' if is_best else ''}",
        )
