"""Worker processes on this machine."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from keras_seq2seq.cores import count_cores
from keras_seq2seq.errors import RunError
from keras_seq2seq.tuning.search_directory import SearchDirectory
from keras_seq2seq.tuning.trial_record import FAILED, RUNNING, TrialRecord
from keras_seq2seq.tuning.work import last_heartbeat

_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
_MOST_FAILURES_AT_START = 3
_SECONDS_TO_SAVE = 120


class LocalWorkers:
    """Processes that share the cores and the GPUs of this machine.

    One that is killed, as the kernel does where memory runs out, takes the trial that it was
    running with it; another takes its place. If this process is killed, they end at once.

    Args:
        count: How many there are.
        directory: The directory of the search.
        oracle: The oracle that they ask.
        port: Where it is asked.
    """

    def __init__(self, count: int, directory: SearchDirectory, oracle, port: int):
        self._directory = directory
        self._oracle = oracle
        self._port = port
        self._count = count
        self._failures_at_start = 0
        self._processes = {
            name: self._start(number, name)
            for number, name in enumerate(f"worker-{number}" for number in range(count))
        }

    @property
    def are_done(self) -> bool:
        """Whether all have come to the end of the search."""
        return all(process.poll() == 0 for process in self._processes.values())

    def replace_lost(self):
        """Starts a worker in the place of each that was killed.

        Raises:
            RunError: If one has ended with an error that concerns all trials.
        """
        for number, (name, process) in enumerate(self._processes.items()):
            status = process.poll()
            if not status:
                continue
            if status > 0:
                log = self._log(name)
                raise RunError(f"{name}: {_last_line(log)} (see {log})")
            if name not in self._oracle.ongoing_trials:
                self._failures_at_start += 1
                if self._failures_at_start == _MOST_FAILURES_AT_START:
                    raise RunError(f"{name} is killed each time it starts (see {self._log(name)})")
            else:
                self._fail(name, -status)
            self._processes[name] = self._start(number, name)

    def stop(self):
        """Ends all, each when it has saved the trial it is running."""
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(_SECONDS_TO_SAVE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdin.close()

    def kill(self):
        """Ends all at once."""
        for process in self._processes.values():
            process.kill()
            process.wait()
            process.stdin.close()

    def _fail(self, name: str, number: int):
        trial = self._oracle.ongoing_trials[name].trial_id
        message = f"its process was ended by {signal.Signals(number).name}"
        if number == signal.SIGKILL:
            message += "; the kernel does that where memory runs out"
        path = self._directory.trial_path(trial)
        record = TrialRecord.load(path)
        if record is not None and record.status == RUNNING:
            record.changed(status=FAILED, message=message).save(path)
        self._oracle.give_up(name, message)

    def _start(self, number: int, name: str) -> subprocess.Popen:
        threads = str(max(1, count_cores() // self._count))
        environment = {
            **dict.fromkeys(_THREADS, threads),
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
            **os.environ,
            **_own_gpu(number),
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(self._port),
        }
        command = [sys.executable, "-m", "keras_seq2seq.tuning.worker", self._directory.path]
        with self._log(name).open("a", encoding="utf-8") as log:
            return subprocess.Popen(
                list(map(os.fspath, command)),
                env=environment,
                # The end of this file tells the worker that this process is gone.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches this process alone, which then stops them.
                start_new_session=True,
            )

    def _log(self, name: str) -> Path:
        return self._directory.trials_path / f"{name}.log"


def _own_gpu(number: int) -> dict[str, str]:
    """Returns the variable that gives one of several GPUs to a worker."""
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return {"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if len(gpus) > 1 else {}


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "ended without a word")


_SILENCE_SECONDS = 180


class LostWorkers:
    """Gives the trials of lost workers to others.

    A worker shows every ten seconds, in the directory that all share, that it is there.

    Args:
        directory: The directory of the search.
        oracle: Its oracle.
        silence_seconds: The seconds without a sign after which a worker is lost.
    """

    def __init__(self, directory: SearchDirectory, oracle, silence_seconds=_SILENCE_SECONDS):
        self._directory = directory
        self._oracle = oracle
        self._silence_seconds = silence_seconds
        # The last sign of each worker's trial, with the time here when it was first seen: the
        # clocks of machines differ.
        self._signs: dict[tuple[str, str], tuple[float | None, float]] = {}

    def give_up(self):
        """Takes the trials from those that are lost."""
        now = time.monotonic()
        for worker, trial in list(self._oracle.ongoing_trials.items()):
            sign = last_heartbeat(self._directory.trial_path(trial.trial_id))
            known = self._signs.get((worker, trial.trial_id))
            if known is None or known[0] != sign:
                self._signs[worker, trial.trial_id] = sign, now
            elif now - known[1] > self._silence_seconds:
                self._oracle.give_up(worker)
                del self._signs[worker, trial.trial_id]
