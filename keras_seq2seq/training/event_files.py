"""Cutting TensorBoard's files back to the step that a run goes on from."""

import os
import struct
from pathlib import Path

import tensorflow as tf

# A record is its length (8 bytes), a checksum of that, the data, and a checksum of the data.
_HEADER = struct.Struct("<QI")
_FOOTER_BYTES = 4


def forget_events_after(log_dir: str | os.PathLike, step: int):
    """Cuts off the events after a step, so that a resumed run draws no point twice.

    The events of each file must stand in the order of their steps. Whoever stops the program
    within it finds files that are cut or not, and can call it again.

    Args:
        log_dir: The directory of all TensorBoard files of the run; it need not exist.
        step: The last step to keep. What was half-written at the end of a file goes too.
    """
    for path in sorted(Path(log_dir).rglob("*tfevents*")):
        with path.open("r+b") as file:
            file.truncate(_end_of_step(file, step))


def _end_of_step(file, step: int) -> int:
    """Returns the position where the first event of a later step begins."""
    size = os.fstat(file.fileno()).st_size
    position = 0
    while header := file.read(_HEADER.size):
        if len(header) < _HEADER.size:
            break
        length, _ = _HEADER.unpack(header)
        end = position + _HEADER.size + length + _FOOTER_BYTES
        if end > size or tf.compat.v1.Event.FromString(file.read(length)).step > step:
            break
        file.seek(end)
        position = end
    return position
