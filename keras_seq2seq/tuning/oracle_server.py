"""The oracle of a search, for workers in other processes."""

from concurrent import futures

import grpc
from keras_tuner.engine.oracle import Oracle
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from keras_seq2seq.errors import RunError


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
