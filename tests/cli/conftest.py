import io
import sys
from typing import NamedTuple

import pytest

from keras_seq2seq.cli.main import main


class Result(NamedTuple):
    status: int
    output: str
    errors: str


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs the program in this process."""

    def run_program(*args, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as exit_info:
            main([str(arg) for arg in args])
        return Result(exit_info.value.code, *capsys.readouterr())

    return run_program
