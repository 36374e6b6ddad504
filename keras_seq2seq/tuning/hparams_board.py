"""TensorBoard's HParams tab for a search."""

import os
from pathlib import Path

import tensorflow as tf
from tensorboard.plugins.hparams import api, api_pb2, summary

from keras_seq2seq.tuning.objective import Objective
from keras_seq2seq.tuning.trial_record import FAILED, TrialRecord


class HParamsBoard:
    """Writes the hyperparameters and results of a trial for TensorBoard's HParams tab.

    Args:
        log_dir: The directory of this trial's events, a subdirectory of the directory for
            `tensorboard --logdir`.
        objective: The objective of the search.
    """

    def __init__(self, log_dir: str | os.PathLike, objective: Objective):
        self._path = Path(log_dir)
        self._objective = objective

    def start(self, record: TrialRecord):
        """Writes the hyperparameters, replacing the events of an earlier start of the trial."""
        for file in self._path.glob("*tfevents*"):
            file.unlink()
        values = {name: _to_scalar(value) for name, value in record.values.items()}
        writer = self._writer()
        with writer.as_default(step=0):
            api.hparams(values | {"units": record.units}, trial_id=record.trial)
        writer.close()

    def end(self, record: TrialRecord, evaluations: list[dict]):
        """Writes the objective at each evaluation and the final status of the trial.

        Args:
            record: The final record of the trial.
            evaluations: The evaluation records of the trial.
        """
        writer = self._writer()
        with writer.as_default():
            for evaluation in evaluations:
                value = evaluation[self._objective.name]
                tf.summary.scalar(self._objective.name, value, step=evaluation["step"])
            if record.objective is not None:
                last = evaluations[-1]["step"]
                tf.summary.scalar(f"best_{self._objective.name}", record.objective, step=last)
            failed = record.status == FAILED
            ended = summary.session_end_pb(
                api_pb2.STATUS_FAILURE if failed else api_pb2.STATUS_SUCCESS
            )
            tf.summary.experimental.write_raw_pb(ended.SerializeToString(), step=0)
        writer.close()

    def _writer(self) -> tf.summary.SummaryWriter:
        return tf.summary.create_file_writer(os.fspath(self._path))


def _to_scalar(value) -> bool | int | float | str:
    return value if isinstance(value, (bool, int, float, str)) else str(value)
