"""Searches that run on several machines."""

import os
import time
from concurrent import futures
from dataclasses import dataclass

import grpc
from keras_tuner.engine.oracle import Oracle
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from keras_seq2seq.errors import RunError, UserError
from keras_seq2seq.tuning.run_trials import last_heartbeat
from keras_seq2seq.tuning.search_directory import SearchDirectory

_VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


@dataclass(frozen=True)
class Role:
    """The role of this process in a search, according to KerasTuner's environment variables.

    Attributes:
        worker: The name of the process, `KERASTUNER_TUNER_ID`.
        address: The address of the chief, `"host:port"`; `None` if this is the only process.
    """

    worker: str = "tuner0"
    address: str | None = None

    @classmethod
    def from_environment(cls) -> "Role":
        """Reads the environment variables.

        Raises:
            UserError: If only some of them are set, or the port is not a number.
        """
        values = [os.environ.get(name) for name in _VARIABLES]
        if not any(values):
            return cls()
        missing = [name for name, value in zip(_VARIABLES, values, strict=True) if not value]
        if missing:
            raise UserError(
                f"{', '.join(missing)} not set; a chief and its workers need all of "
                f"{', '.join(_VARIABLES)}"
            )
        worker, host, port = values
        if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise UserError(f'{_VARIABLES[2]}: expected a port such as 8000, got "{port}"')
        return cls(worker, f"{host}:{port}")

    @property
    def is_chief(self) -> bool:
        """Whether this process is the chief, whose name contains `chief`."""
        return self.address is not None and "chief" in self.worker

    @property
    def is_worker(self) -> bool:
        """Whether this process runs trials for a chief."""
        return self.address is not None and "chief" not in self.worker


class OracleServer:
    """Serves an oracle to workers, using the protocol of KerasTuner's chief.

    Unlike KerasTuner's own function, it returns as soon as the search ends, does not wait forever
    for a lost worker, and can choose a free port.

    Args:
        oracle: The oracle.
        address: The address to listen on, `"host:port"`; port 0 chooses a free port.

    Attributes:
        port: Integer, the port in use.

    Raises:
        RunError: If the address cannot be used.

    Example:
        >>> with OracleServer(oracle, "127.0.0.1:0") as server:
        ...     start_workers(server.port)
    """

    def __init__(self, oracle: Oracle, address: str):
        self._oracle = oracle
        self._servicer = OracleServicer(oracle)
        self._server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=1), options=[("grpc.so_reuseport", 0)]
        )
        protos.get_service_grpc().add_OracleServicer_to_server(self._servicer, self._server)
        try:
            self.port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise RunError(
                f"{address}: cannot listen on this address ({error}); choose another "
                f"{_VARIABLES[2]}"
            ) from error

    @property
    def is_done(self) -> bool:
        """Whether the search has ended and all workers have been notified."""
        oracle = self._oracle
        return self._servicer.stop_triggered and not oracle.ongoing_trials and not oracle.tuner_ids

    def __enter__(self) -> "OracleServer":
        self._server.start()
        return self

    def __exit__(self, *error):
        # Allows requests in progress to finish.
        self._server.stop(grace=2).wait()


_SILENCE_SECONDS = 180


class LostWorkers:
    """Reassigns the trials of workers that no longer send heartbeats, and forgets such workers.

    Workers write a heartbeat every ten seconds to the shared directory of the search. Workers
    without a trial ask for one every second.

    Args:
        directory: The directory of the search.
        oracle: The oracle of the search.
        silence_seconds: The seconds without a heartbeat after which a worker is considered lost.
    """

    def __init__(self, directory: SearchDirectory, oracle, silence_seconds=_SILENCE_SECONDS):
        self._directory = directory
        self._oracle = oracle
        self._silence_seconds = silence_seconds
        # For each worker and trial, the last heartbeat and the local time at which it was first
        # seen. Heartbeats are never compared with the local clock, as clocks of machines differ.
        self._heartbeats: dict[tuple[str, str], tuple[float | None, float]] = {}

    def reassign(self):
        """Returns the trials of lost workers to the oracle, which assigns them to other workers."""
        now = time.monotonic()
        # The search ends only when no worker is left that may ask for a trial.
        self._oracle.forget_idle_workers(self._silence_seconds)
        for worker, trial in list(self._oracle.ongoing_trials.items()):
            heartbeat = last_heartbeat(self._directory.trial_path(trial.trial_id))
            known = self._heartbeats.get((worker, trial.trial_id))
            if known is None or known[0] != heartbeat:
                self._heartbeats[worker, trial.trial_id] = heartbeat, now
            elif now - known[1] > self._silence_seconds:
                self._oracle.drop_worker(worker)
                del self._heartbeats[worker, trial.trial_id]
