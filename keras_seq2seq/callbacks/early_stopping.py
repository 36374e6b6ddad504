"""The best evaluation, and an end when there is no better one any more."""

import math

import keras


class EarlyStopping(keras.callbacks.Callback):
    """Follows one metric of the records of `Evaluation`.

    `keras.callbacks.EarlyStopping` counts epochs; this one counts evaluations.

    Args:
        metric: String, the name in the record.
        lower_is_better: Boolean.
        patience: Integer, the evaluations in a row without a new best after which training
            stops; `None` for no end.
        records: Evaluations of the run that goes on, in their order.

    Attributes:
        best: The record of the best evaluation, the first of several; `None` before any.
        evaluations_since_best: Integer.

    Example:
        >>> stopping = EarlyStopping("dev_loss", patience=5)
        >>> evaluation = Evaluation(dev, observers=[stopping.observe])
        >>> model.fit(train, callbacks=[evaluation, stopping])
    """

    def __init__(self, metric="dev_loss", lower_is_better=True, patience=None, records=()):
        super().__init__()
        self.metric = metric
        self.lower_is_better = lower_is_better
        self.patience = patience
        self.best = None
        self.evaluations_since_best = 0
        for record in records:
            self._compare(record)

    @property
    def is_exhausted(self):
        """Whether it is time to stop."""
        return self.patience is not None and self.evaluations_since_best >= self.patience

    def observe(self, record):
        """Takes the next evaluation, and returns whether it is the best one."""
        is_best = self._compare(record)
        if self.is_exhausted:
            self.model.stop_training = True
        return is_best

    def _compare(self, record):
        value = record[self.metric]
        if self.best is None:
            is_best = not math.isnan(value)
        elif self.lower_is_better:
            is_best = value < self.best[self.metric]
        else:
            is_best = value > self.best[self.metric]
        self.best = record if is_best else self.best
        self.evaluations_since_best = 0 if is_best else self.evaluations_since_best + 1
        return is_best
