"""Checkpoints of the full training state."""

import json
import math
import os
import re
import shutil
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.python.training.checkpoint_state_pb2 import CheckpointState

from keras_seq2seq.backend import build_optimizer
from keras_seq2seq.errors import RunError
from keras_seq2seq.files import LiteralDirectory, atomic_file
from keras_seq2seq.model_directory import find_checkpoints
from keras_seq2seq.models import Seq2Seq
from keras_seq2seq.models.training import inner_optimizer
from keras_seq2seq.schedules import Plateau, WarmUp


class Checkpoints:
    """Saves and restores weights, optimizer, metrics, random state and notes of the caller.

    The state of a `Plateau` schedule is saved too.

    Files are written by `tf.train.CheckpointManager`. A kill at any moment leaves the earlier
    checkpoints intact.

    Args:
        path: The directory.
        model: The compiled and built model. The variables of its optimizer are created if needed.
        max_to_keep: Number of latest checkpoints to keep; 0 keeps all.
        keep_every_n_hours: Hours after which one more checkpoint is kept permanently; 0 keeps
            none.
        is_chief: Whether this process writes. If there are several processes, all of them must
            call `save` and `restore_metrics` together.

    Example:
        >>> checkpoints = Checkpoints("checkpoints", model)
        >>> notes = checkpoints.restore() or {"step": 0}
        >>> model.fit(dataset.skip(notes["step"]), steps_per_epoch=100)
        >>> checkpoints.save({"step": notes["step"] + 100})
    """

    def __init__(
        self,
        path: str | os.PathLike,
        model: Seq2Seq,
        max_to_keep: int = 5,
        keep_every_n_hours: float = 4,
        is_chief: bool = True,
    ):
        self.path = Path(path)
        self._literal = LiteralDirectory(path)
        self._model = model
        build_optimizer(model)
        self._plateau = _find_plateau(inner_optimizer(model.optimizer)._learning_rate)
        self._is_chief = is_chief
        self._metrics = None
        if is_chief:
            _repair_state(self.path)
        variables = variables_in_checkpoints(model)
        self._notes = tf.Variable("", dtype=tf.string, trainable=False)
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                variables=[variable.value for variable in variables], notes=self._notes
            ),
            self._literal.path,
            max_to_keep=max_to_keep or None,
            keep_checkpoint_every_n_hours=keep_every_n_hours or None,
        )

    def __bool__(self) -> bool:
        """Whether there is a checkpoint, complete or not."""
        return bool(self._candidates())

    def save(self, notes: dict):
        """Saves the state.

        Args:
            notes: JSON values. `"step"` is the number of the checkpoint.

        Raises:
            FloatingPointError: If a weight is not finite. Nothing is written.
            RunError: If the checkpoint cannot be written. Earlier ones are intact.
        """
        for variable in self._model.trainable_variables:
            if not np.isfinite(variable.numpy()).all():
                raise FloatingPointError(f"{variable.path} is not finite")
        metrics = [variable.numpy().tolist() for variable in self._model.metrics_variables]
        if not self._is_chief:
            return
        content = {"notes": notes, "metrics": metrics}
        if self._plateau is not None:
            content["plateau"] = self._plateau.state.numpy().tolist()
        self._notes.assign(json.dumps(content))
        try:
            self._manager.save(checkpoint_number=notes["step"])
        except (tf.errors.OpError, OSError) as error:
            self._remove_unfinished()
            raise RunError(
                f"{self.path}: the checkpoint of step {notes['step']} cannot be written "
                f"({reason_of(error)}); earlier ones are intact"
            ) from error

    def restore(self, warn: Callable[[str], object] = warnings.warn) -> dict | None:
        """Restores the latest readable checkpoint.

        Args:
            warn: Called with a message for each checkpoint that cannot be read.

        Returns:
            The notes of the checkpoint, or `None` if there is no checkpoint.

        Raises:
            RunError: If there are checkpoints, but none can be read, or if they belong to another
                model.
        """
        candidates = self._candidates()
        for path in candidates:
            try:
                # A failed attempt may have changed some variables; the next one overwrites them.
                literal_path = os.path.join(self._literal.path, os.path.basename(path))
                self._manager.checkpoint.restore(literal_path).assert_consumed()
            # TensorFlow raises an IndexError for a truncated file.
            except (tf.errors.OpError, IndexError) as error:
                warn(f"{path}: damaged checkpoint ({reason_of(error)}); trying the previous one")
            except (AssertionError, ValueError) as error:
                raise RunError(f"{path}: checkpoint of another model") from error
            else:
                if self._is_chief:
                    self._remove_unfinished()
                saved = json.loads(self._notes.numpy())
                self._metrics = saved["metrics"]
                # Checkpoints of earlier versions contain it only as a variable of the optimizer.
                if self._plateau is not None and "plateau" in saved:
                    self._plateau.state.assign(saved["plateau"])
                self.restore_metrics()
                return saved["notes"]
        if candidates:
            raise RunError(
                f"{self.path}: none of the {len(candidates)} checkpoints can be read; restore one "
                "from a backup, or start over with --resume never"
            )
        return None

    def restore_metrics(self, *args):
        """Restores the training metrics again, after `fit` has reset them.

        They stay as they are if the model has other metrics than when it was saved: those given to
        `compile` are created with the first batch.
        """
        variables = self._model.metrics_variables
        if self._metrics is None or len(variables) != len(self._metrics):
            return
        for variable, value in zip(variables, self._metrics, strict=True):
            # The saved values are sums over all processes.
            variable.assign(value if self._is_chief else np.zeros_like(value))

    def _candidates(self) -> list[str]:
        """Returns the paths of all checkpoints: those that the manager knows, then others.

        Both are sorted from new to old. The others are those kept permanently.
        """
        known = [
            os.path.join(self.path, os.path.basename(path))
            for path in self._manager.checkpoints[::-1]
        ]
        found = list(find_checkpoints(self.path).values())[::-1]
        return known + [path for path in found if path not in known]

    def _remove_unfinished(self):
        """Removes files left behind by a kill during a write."""
        newest = max(map(_step, self._manager.checkpoints), default=math.inf)
        for path in self.path.glob("ckpt-*_temp"):
            shutil.rmtree(path, ignore_errors=True)
        for path in (*self.path.glob("checkpoint.tmp*"), *self.path.glob("ckpt-*.*")):
            if not path.name.startswith("ckpt-") or _step(path) > newest:
                path.unlink()


def newest_notes(path: str | os.PathLike) -> tuple[str, dict] | None:
    """Reads the notes of the newest checkpoint, without a model to restore.

    Args:
        path: The directory.

    Returns:
        The path of the checkpoint and its notes, or `None` if there are none that can be read.
    """
    literal = LiteralDirectory(path)
    for checkpoint in reversed(find_checkpoints(path).values()):
        # A truncated file is an IndexError, as in `restore`, and a missing tensor a ValueError.
        with suppress(tf.errors.OpError, IndexError, ValueError, KeyError, TypeError):
            reader = tf.train.load_checkpoint(os.path.join(literal.path, _name(checkpoint)))
            saved = json.loads(reader.get_tensor("notes/.ATTRIBUTES/VARIABLE_VALUE"))
            return checkpoint, saved["notes"]
    return None


def _repair_state(path: Path):
    """Corrects TensorFlow's list of checkpoints, in the file `checkpoint`.

    `tf.train.CheckpointManager` finds and deletes only checkpoints that are listed. The file may be
    missing or damaged, older than the newest checkpoint, or list files elsewhere.
    """
    state = _read_state(path)
    listed = list(state.all_model_checkpoint_paths)
    times = dict(zip(listed, state.all_model_checkpoint_timestamps, strict=False))
    kept = [file for file in listed if _step(file) >= 0 and file == os.path.join(path, _name(file))]
    newest = max(map(_step, kept), default=-1)
    unlisted = [file for step, file in find_checkpoints(path).items() if step > newest]
    if kept == listed and not unlisted:
        return
    checkpoints = kept + unlisted
    if not checkpoints:
        (path / "checkpoint").unlink()
        return
    times = [times.get(file) or _time_of(file) for file in checkpoints]
    # Names without a directory, so that the directory can be moved.
    names = list(map(_name, checkpoints))
    state = CheckpointState(
        model_checkpoint_path=names[-1],
        all_model_checkpoint_paths=names,
        all_model_checkpoint_timestamps=times,
        last_preserved_timestamp=state.last_preserved_timestamp or min(times) - 1,
    )
    with atomic_file(path / "checkpoint") as file:
        file.write(text_format.MessageToString(state))


def _time_of(checkpoint: str) -> float:
    try:
        return os.path.getmtime(f"{checkpoint}.index")
    except FileNotFoundError:
        return time.time()


def _read_state(path: Path) -> CheckpointState:
    """Reads the list of checkpoints, and removes it if it is damaged."""
    try:
        state = tf.train.get_checkpoint_state(path)
    # It is parsed by `google.protobuf.text_format`, which raises errors of several types.
    except Exception:
        state = None
    if state is None:
        (path / "checkpoint").unlink(missing_ok=True)
    return state or CheckpointState()


def variables_in_checkpoints(model: Seq2Seq) -> list[keras.Variable]:
    """Returns the variables of a compiled model that checkpoints contain, in their order."""
    # Metrics are per replica. The notes contain their sums instead.
    metrics = {id(variable) for variable in model.metrics_variables}
    # `variables` includes the seeds of dropout, which Keras's own checkpoints leave out.
    own = [variable for variable in model.variables if id(variable) not in metrics]
    return [*own, *model.optimizer.variables]


def _find_plateau(schedule) -> Plateau | None:
    """Returns the `Plateau` that a schedule is or contains."""
    while isinstance(schedule, WarmUp):
        schedule = schedule.schedule
    return schedule if isinstance(schedule, Plateau) else None


def _name(path: str | os.PathLike) -> str:
    return os.path.basename(path)


def _step(path: str | os.PathLike) -> int:
    """Returns the step of a file of a checkpoint, -1 for any other file."""
    match = re.match(r"ckpt-([0-9]+)(\.|$)", _name(path))
    return int(match[1]) if match else -1


def reason_of(error: Exception) -> str:
    """Returns the first line of a TensorFlow error message, without names of nodes."""
    line = str(getattr(error, "message", error)).splitlines()[0]
    return re.sub(r"\{\{.*?\}\} ?| \[Op:\w+\]( name:.*)?", "", line)
