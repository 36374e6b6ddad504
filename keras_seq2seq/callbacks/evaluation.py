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

from keras_seq2seq.models import averaged_weights, steps_taken
from keras_seq2seq.plots import save_attention_heatmap
from keras_seq2seq.translator import Translator


class Evaluation(keras.callbacks.Callback):
    """Evaluates every so many training steps, and tells its observers.

    Training metrics are those since the evaluation before. Where the optimizer keeps a moving
    average of the weights (`use_ema`), that is what is evaluated.

    Args:
        dataset: The dev data, elements as `make_dataset` gives them.
        every_n_steps: Integer.
        final_step: Integer, the last step of the run, after which there is always an evaluation.
        observers: List of functions of a record: a dictionary with `step`, `train_loss`,
            `train_perplexity`, `train_source_padding`, `train_target_padding`, `dev_loss`,
            `dev_perplexity`, `learning_rate`, `tokens` (target tokens trained on) and `seconds`
            (they took, evaluation left out); behind `TrackGradientNorm` also
            `train_gradient_norm`, its mean.
        measure: Function that gives further dev metrics as a dictionary, such as `{"bleu": 34.2}`,
            recorded as `dev_bleu`.
        seconds: Number, the seconds since the last evaluation that a run which goes on spent
            before it was stopped.

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
        self.every_n_steps = every_n_steps
        self.final_step = final_step
        self.observers = list(observers)
        self.measure = measure or dict
        self._started = time.perf_counter()
        self._seconds_before = seconds

    @property
    def seconds(self):
        """The seconds of training since the last evaluation."""
        return self._seconds_before + time.perf_counter() - self._started

    def on_train_begin(self, logs=None):
        self._started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        step = int(steps_taken(self.model.optimizer).numpy())
        if step % self.every_n_steps == 0 or step == self.final_step:
            self._evaluate(step)

    def _evaluate(self, step):
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
        # What observers save is the state from which the training goes on.
        self.model.reset_metrics()
        self._seconds_before, self._started = 0.0, time.perf_counter()
        for observer in self.observers:
            observer(record)
        self._started = time.perf_counter()


# What Markdown, or HTML in it, could read as more than a character.
_MARKUP = re.compile(r"[^\w\s]", re.ASCII)


class SampleTranslations:
    """Translates the same few sentences at every evaluation, for the terminal and TensorBoard.

    TensorBoard shows them as a table, and where the model looked as pictures.

    Args:
        translator: Translates with the weights of the moment.
        sources: The sentences.
        references: What they should become.
        log_dir: The directory for `tensorboard --logdir`, where they are the run `samples`;
            `None` for none.
        console: Where to print them; `None` for nowhere.

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
        """Translates the sentences with the weights that were evaluated."""
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
                    self.console.print(Text(f"  {name:<9}  {text}"), soft_wrap=True)
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
    """Returns bytes `(1, height, width, 3)`."""
    file = io.BytesIO()
    save_attention_heatmap(
        file, translation.source_tokens, translation.target_tokens, translation.attention
    )
    return tf.io.decode_png(file.getvalue(), channels=3)[None]
