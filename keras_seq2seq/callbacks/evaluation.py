"""Evaluation by steps."""

import math
import time

import keras
from keras import ops

from keras_seq2seq.models import averaged_weights, steps_taken


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
