"""The record of all evaluations of a run."""

import json
import os

from keras_seq2seq.data.atomic_file import atomic_file


class MetricsLog:
    """A file with one JSON object a line, one line an evaluation, each with a `step`.

    Args:
        path: The file; it is made by the first record.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = path
        self.records = self._read()

    def append(self, record: dict):
        """Adds an evaluation."""
        self.records.append(record)
        self._write()

    def forget_after(self, step: int):
        """Drops what was recorded after the step that a resumed run goes on from."""
        kept = [record for record in self.records if record["step"] <= step]
        if len(kept) < len(self.records):
            self.records = kept
            self._write()

    def is_best(self, name: str, lower_is_better: bool) -> bool:
        """Returns whether the last record has the best value of a metric; ties are not better."""
        sign = 1 if lower_is_better else -1
        *before, last = [sign * record[name] for record in self.records]
        return last < min(before, default=float("inf"))

    def _read(self) -> list[dict]:
        if not os.path.exists(self.path):
            return []
        with open(self.path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def _write(self):
        with atomic_file(self.path) as file:
            file.writelines(json.dumps(record) + "\n" for record in self.records)
