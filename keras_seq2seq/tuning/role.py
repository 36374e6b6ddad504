"""What a process does in a search that several machines share."""

import os
from dataclasses import dataclass

from keras_seq2seq.errors import UserError

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
