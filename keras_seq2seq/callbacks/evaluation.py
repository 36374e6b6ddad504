"""Evaluation during training."""

import io
import math
import os
import re
import time
from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import ops
from rich.console import Console
from rich.text import Text

from keras_seq2seq.callbacks.run_control import current_step
from keras_seq2seq.errors import check_integer
from keras_seq2seq.models import averaged_weights
from keras_seq2seq.plots import save_attention_heatmap
from keras_seq2seq.translator import Translator


class Evaluation(keras.callbacks.Callback):
    """Evaluates the model at regular steps and passes the results to its observers.

    Training metrics in the results cover the steps since the previous evaluation; the history of
    `fit` still covers whole epochs. If the optimizer keeps a moving average of the weights
    (`use_ema`), the averaged weights are evaluated. Put this callback before other callbacks that
    read the training metrics of an epoch.

    The results of an evaluation are a dictionary, its record:

    - `step`: the number of training steps taken
    - `train_loss`, `train_perplexity`, `dev_loss`, `dev_perplexity`: losses are in nats per token
    - `train_source_padding`, `train_target_padding`: the share of padding in the batches, 0 to 1
    - `train_gradient_norm`: the mean gradient norm, if `TrackGradientNorm` precedes this callback
    - `learning_rate`
    - `tokens`: the number of target tokens trained on
    - `seconds`: the training time, without evaluations

    Args:
        dataset: The dev data, in the format of `make_dataset`.
        every_n_steps: Integer, the steps between two evaluations.
        final_step: Integer, the last step of the run, which is always followed by an evaluation.
            Defaults to the last step of `fit`.
        observers: List of functions that take the record.
        measure: Function that returns additional dev metrics as a dictionary, such as
            `{"bleu": 34.2}`, which is recorded as `dev_bleu`.
        seconds: Number, the training seconds between the last evaluation and the interruption of
            a resumed run.

    Raises:
        ValueError: If `every_n_steps` is not an integer of at least 1.

    Example:
        >>> model.fit(train, callbacks=[Evaluation(dev, every_n_steps=500, observers=[print])])
    """

    def __init__(
        self,
        dataset,
        every_n_steps=1000,
        final_step=None,
        observers=(),
        measure=None,
        seconds=0.0,
    ):
        super().__init__()
        self.dataset = dataset
        self.every_n_steps = check_integer("every_n_steps", every_n_steps)
        self.final_step = final_step
        self.observers = list(observers)
        self.measure = measure or dict
        self._started = time.perf_counter()
        self._seconds_before = seconds
        self._step = 0
        # Sums of the variables of the metrics before they were last reset: those of the current
        # interval between evaluations, and those of the current epoch.
        self._interval = self._epoch = None
        self._before_validation = None

    @property
    def seconds(self):
        """The seconds of training since the last evaluation."""
        return self._seconds_before + time.perf_counter() - self._started

    def on_train_begin(self, logs=None):
        self._started = time.perf_counter()
        self._step = current_step(self.model)
        self._interval = self._epoch = None

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = self._before_validation = None

    def on_train_batch_end(self, batch, logs=None):
        step = current_step(self.model)
        # With `steps_per_execution`, not every step is seen.
        is_due = step // self.every_n_steps > self._step // self.every_n_steps
        if is_due or step == self.final_step:
            self._evaluate(step)

    def on_test_begin(self, logs=None):
        # The validation of `fit` resets the metrics.
        self._before_validation = self._metric_values()

    def on_epoch_end(self, epoch, logs=None):
        current = self._metric_values()
        trained = self._before_validation or current
        if self._epoch is not None and logs is not None:
            self._set_metric_values(_add(self._epoch, trained))
            results = self.model.get_metrics_result()
            logs.update({name: float(value) for name, value in results.items()})
            self._set_metric_values(current)
        self._interval = _add(self._interval, trained)

    def on_train_end(self, logs=None):
        step = current_step(self.model)
        if self.final_step is None and step > self._step:
            self._set_metric_values(self._interval)
            self._interval = None
            self._evaluate(step)

    def _metric_values(self):
        return [ops.convert_to_numpy(variable) for variable in self.model.metrics_variables]

    def _set_metric_values(self, values):
        for variable, value in zip(self.model.metrics_variables, values, strict=True):
            variable.assign(value)

    def _evaluate(self, step):
        self._step = step
        trained = self._metric_values()
        self._epoch = _add(self._epoch, trained)
        if self._interval is not None:
            self._set_metric_values(_add(self._interval, trained))
            self._interval = None
        train_perplexity = float(self.model.perplexity.result())
        record = {
            "step": step,
            "train_loss": math.log(train_perplexity),
            "train_perplexity": train_perplexity,
            "learning_rate": float(ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            "tokens": int(self.model.perplexity.tokens.numpy()),
            "seconds": round(self.seconds, 3),
        }
        for name, share in self.model.padding.result().items():
            record[f"train_{name}"] = round(float(share), 5)
        if float(self.model.gradient_norm.count.numpy()):
            record["train_gradient_norm"] = float(self.model.gradient_norm.result())
        with averaged_weights(self.model):
            dev = self.model.evaluate(self.dataset, verbose=0, return_dict=True)
            record["dev_loss"] = math.log(dev["perplexity"])
            record["dev_perplexity"] = dev["perplexity"]
            record.update({f"dev_{name}": value for name, value in self.measure().items()})
        # Observers may save a checkpoint, from which training must resume with empty metrics.
        self.model.reset_metrics()
        self._seconds_before, self._started = 0.0, time.perf_counter()
        for observer in self.observers:
            observer(record)
        self._started = time.perf_counter()


def _add(values, more):
    """Returns the sums of the variables of metrics; `None` for the first is none yet."""
    if values is None:
        return more
    return [value + other for value, other in zip(values, more, strict=True)]


# Characters that may have a meaning in Markdown or in HTML within Markdown.
_MARKUP = re.compile(r"[^\w\s]", re.ASCII)


class SampleTranslations:
    """Translates a few fixed sentences at every evaluation, for the terminal and TensorBoard.

    TensorBoard shows a table of the translations and, for models with attention, heatmaps of the
    attention weights.

    Args:
        translator: `Translator` of the model being trained.
        sources: List of strings, the sentences.
        references: List of strings, the reference translations.
        log_dir: The directory for `tensorboard --logdir`, in which the samples are the run
            `samples`; `None` to write no files.
        console: `rich.console.Console` to print to; `None` to print nothing. Each text is one line,
            truncated to the width of the console.

    Example:
        >>> samples = SampleTranslations(translator, ["ein mann"], ["a man"], "logs", Console())
        >>> model.fit(train, callbacks=[Evaluation(dev, observers=[samples.write])])
    """

    def __init__(
        self,
        translator: Translator,
        sources: Sequence[str],
        references: Sequence[str],
        log_dir: str | os.PathLike | None = None,
        console: Console | None = None,
    ):
        self.translator = translator
        self.sources = list(sources)
        self.references = list(references)
        self.console = console
        self._writer = log_dir and tf.summary.create_file_writer(os.path.join(log_dir, "samples"))

    def write(self, record: dict):
        """Translates the sentences with the current weights.

        Args:
            record: An evaluation record, see `Evaluation`. Only `step` is used.
        """
        translations = self.translator.translate(self.sources)
        rows = list(zip(self.sources, self.references, translations, strict=True))
        if self._writer:
            with self._writer.as_default(step=record["step"]):
                tf.summary.text("translations", _table(rows))
                for number, (_, _, translation) in enumerate(rows, start=1):
                    if translation.attention is not None and translation.attention.size:
                        tf.summary.image(f"attention/{number}", _picture(translation))
            self._writer.flush()
        if self.console is not None:
            for source, reference, translation in rows:
                for name, text in (
                    ("source", source),
                    ("reference", reference),
                    ("model", translation.text),
                ):
                    line = Text(f"  {name:<9}  {text}")
                    # One line each; a terminal shows what fits, a file gets all.
                    overflow = "ellipsis" if self.console.is_terminal else "ignore"
                    self.console.print(line, no_wrap=True, crop=False, overflow=overflow)
                self.console.print()


def _table(rows) -> str:
    lines = ["| source | reference | model |", "|---|---|---|"]
    for source, reference, translation in rows:
        cells = map(_escape, (source, reference, translation.text))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _escape(text: str) -> str:
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", text)


def _picture(translation) -> tf.Tensor:
    """Returns the attention heatmap, an unsigned 8-bit tensor `(1, height, width, 3)`."""
    file = io.BytesIO()
    save_attention_heatmap(
        file, translation.source_tokens, translation.target_tokens, translation.attention
    )
    return tf.io.decode_png(file.getvalue(), channels=3)[None]
