"""Searches that several processes share."""

import os
from concurrent import futures
from dataclasses import dataclass

import grpc
from keras_tuner.engine.oracle import Oracle
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from keras_seq2seq.errors import RunError, UserError

_NAMES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


@dataclass(frozen=True)
class Role:
    """The part of a process, as KerasTuner's environment variables say it.

    Attributes:
        worker: The name of the process, `KERASTUNER_TUNER_ID`.
        address: Where the chief listens, `"host:port"`; `None` if there is only this process.
    """

    worker: str = "tuner0"
    address: str | None = None

    @classmethod
    def from_environment(cls) -> "Role":
        """Reads the variables.

        Raises:
            UserError: If only some are set, or the port is no number.
        """
        values = [os.environ.get(name) for name in _NAMES]
        if not any(values):
            return cls()
        missing = [name for name, value in zip(_NAMES, values, strict=True) if not value]
        if missing:
            raise UserError(
                f"{', '.join(missing)} not set; a chief and its workers need all of "
                f"{', '.join(_NAMES)}"
            )
        worker, host, port = values
        if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise UserError(f'{_NAMES[2]}: expected a port such as 8000, got "{port}"')
        return cls(worker, f"{host}:{port}")

    @property
    def is_chief(self) -> bool:
        """Whether the process is the chief of others: its name contains `chief`."""
        return self.address is not None and "chief" in self.worker

    @property
    def is_worker(self) -> bool:
        """Whether the process works for a chief."""
        return self.address is not None and "chief" not in self.worker


class OracleServer:
    """Serves an oracle as KerasTuner's chief does.

    KerasTuner's own function returns up to twenty seconds after the end, never if a worker is
    lost, and cannot choose a free port.

    Args:
        oracle: The oracle.
        address: `"host:port"`; port 0 is a free one.

    Attributes:
        port: Integer.

    Raises:
        RunError: If the port is taken.

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
            raise RunError(f"{address}: cannot listen there ({error})") from error

    @property
    def is_done(self) -> bool:
        """Whether the search is over and all workers know it."""
        oracle = self._oracle
        return self._servicer.stop_triggered and not oracle.ongoing_trials and not oracle.tuner_ids

    def __enter__(self) -> "OracleServer":
        self._server.start()
        return self

    def __exit__(self, *error):
        # Answers what is being asked.
        self._server.stop(grace=2).wait()
