"""The checkpoints and the record of a run in a model directory."""

import json
import os
import re
from typing import Any

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.reading import read_small_file_if_any


def find_checkpoints(path: str | os.PathLike) -> dict[int, str]:
    """Returns the checkpoints in a directory.

    Args:
        path: The directory, which need not exist. Files with other names are ignored.

    Returns:
        A dictionary from steps, in ascending order, to paths without suffixes.

    Raises:
        UserError: If the directory cannot be read.
    """
    try:
        names = os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        names = []
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    matches = (re.fullmatch(r"ckpt-(0|[1-9][0-9]{0,17})\.index", name) for name in names)
    steps = sorted(int(match[1]) for match in matches if match)
    return {step: os.path.join(path, f"ckpt-{step}") for step in steps}


def has_notes(checkpoint: str) -> bool:
    """Returns whether a checkpoint contains the notes of a run. Its names are in its index."""
    index = read_small_file_if_any(f"{checkpoint}.index") or b""
    return b"notes/.ATTRIBUTES/VARIABLE_VALUE" in index


def read_run_record(path: str | os.PathLike) -> dict[str, Any] | None:
    """Reads the record of a run.

    Args:
        path: The file, which need not exist.

    Returns:
        Its content, empty if there is no file; `None` if it is damaged or not the record of a run.
    """
    content = read_small_file_if_any(path)
    if content is None:
        return {}
    try:
        content = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return content if _is_run_record(content) else None


def _is_run_record(content: Any) -> bool:
    """Returns whether a JSON value has the structure of a run's record."""
    try:
        data, starts = content["data"], content["starts"]
        texts = [*data.values(), *(text for start in starts for text in start["versions"].values())]
        steps = [start.get("steps") for start in starts]
    except (AttributeError, KeyError, TypeError):
        return False
    return all(isinstance(text, str) for text in texts) and all(
        isinstance(number, (int, type(None))) for number in steps
    )
