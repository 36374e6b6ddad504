"""The record of all evaluations of a run."""

import json
import os
from pathlib import Path

from keras_seq2seq.data.atomic_file import atomic_file


class MetricsLog:
    """A file with one JSON object a line, one line an evaluation, each with a `step`.

    Args:
        path: The file; it is made by the first record.

    Attributes:
        records: The evaluations, each a dictionary.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.records = self._read()

    def append(self, record: dict):
        """Adds an evaluation."""
        self.records.append(record)
        self._write()

    def reset(self, records: list[dict]):
        """Replaces everything by the records of the checkpoint that a run goes on from."""
        if records != self.records:
            self.records = list(records)
            self._write()

    def _read(self) -> list[dict]:
        if not self.path.exists():
            return []
        records = []
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                try:
                    records.append(json.loads(line))
                except json.JSONDecodeError:  # what a crash of the machine left
                    break
        return records

    def _write(self):
        with atomic_file(self.path) as file:
            file.writelines(json.dumps(record) + "\n" for record in self.records)
