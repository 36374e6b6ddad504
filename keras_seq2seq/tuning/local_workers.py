"""Worker processes of a search on one machine."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from keras_seq2seq.errors import RunError
from keras_seq2seq.tensorflow_settings import count_cores
from keras_seq2seq.tuning.search_directory import SearchDirectory
from keras_seq2seq.tuning.trial_record import FAILED, RUNNING, TrialRecord

_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
_MAX_FAILED_STARTS = 3
_SECONDS_TO_SAVE = 120


class LocalWorkers:
    """Worker processes that share the cores and GPUs of this machine.

    If a worker is killed, for example by the kernel when memory runs out, its trial fails and a
    new worker replaces it. If the chief, which is this process, is killed, the workers exit
    immediately.

    Args:
        count: The number of workers.
        directory: The directory of the search.
        oracle: The oracle of the search.
        port: The local port at which `OracleServer` serves the oracle.
    """

    def __init__(self, count: int, directory: SearchDirectory, oracle, port: int):
        self._directory = directory
        self._oracle = oracle
        self._port = port
        self._count = count
        # For each worker, how often it was killed since its last trial.
        self._failed_starts: Counter[str] = Counter()
        self._processes = {
            name: self._start(number, name)
            for number, name in enumerate(f"worker-{number}" for number in range(count))
        }

    @property
    def are_done(self) -> bool:
        """Whether all workers have exited at the end of the search."""
        return all(process.poll() == 0 for process in self._processes.values())

    def replace_lost(self):
        """Replaces the workers that were killed.

        Raises:
            RunError: If a worker exited with an error that affects all trials, or workers are
                repeatedly killed before their first trial.
        """
        for name in list(self._oracle.ongoing_trials):
            self._failed_starts[name] = 0
        for number, (name, process) in enumerate(self._processes.items()):
            status = process.poll()
            if not status:
                continue
            if status > 0:
                log = self._log(name)
                raise RunError(f"{name}: {_last_line(log)} (see {log})")
            if name not in self._oracle.ongoing_trials:
                self._failed_starts[name] += 1
                if self._failed_starts[name] == _MAX_FAILED_STARTS:
                    raise RunError(f"{name} was killed at every start (see {self._log(name)})")
            else:
                self._fail(name, -status)
            self._processes[name] = self._start(number, name)

    def stop(self):
        """Stops all workers, after they have saved their running trials."""
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
        """Kills all workers immediately."""
        for process in self._processes.values():
            process.kill()
            process.wait()
            process.stdin.close()

    def _fail(self, name: str, number: int):
        trial = self._oracle.ongoing_trials[name].trial_id
        message = f"the worker process was killed by {signal.Signals(number).name}"
        if number == signal.SIGKILL:
            message += " (the kernel does this when memory runs out)"
        path = self._directory.trial_path(trial)
        record = TrialRecord.load(path)
        if record is not None and record.status == RUNNING:
            record.changed(status=FAILED, message=message).save(path)
        self._oracle.drop_worker(name, message)

    def _start(self, number: int, name: str) -> subprocess.Popen:
        threads = str(max(1, count_cores() // self._count))
        environment = {
            **dict.fromkeys(_THREADS, threads),
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
            **os.environ,
            **_gpu_of(number),
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(self._port),
        }
        # `python -m` would also import modules from the working directory.
        program = (
            f"import sys; sys.path[:] = {list(map(str, sys.path))}\n"
            "from keras_seq2seq.tuning.worker import main; main()"
        )
        command = [sys.executable, "-c", program, self._directory.path]
        with self._log(name).open("a", encoding="utf-8") as log:
            return subprocess.Popen(
                list(map(os.fspath, command)),
                env=environment,
                # The worker exits when this pipe closes, however this process ends.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches only this process, which then stops the workers.
                start_new_session=True,
            )

    def _log(self, name: str) -> Path:
        return self._directory.trials_path / f"{name}.log"


def _gpu_of(number: int) -> dict[str, str]:
    """Returns the environment variable that restricts a worker to one of several GPUs."""
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return {"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if len(gpus) > 1 else {}


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "exited without output")
