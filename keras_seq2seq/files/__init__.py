"""Reading text files line by line, and writing files atomically."""

from keras_seq2seq.files.text_lines import (
    BYTE_ORDER_MARK,
    MAX_LINE_BYTES,
    check_line,
    check_lines,
    count_lines,
    decode_lines,
    open_text,
    read_lines,
)
from keras_seq2seq.files.writing import NumberedFiles, atomic_file

__all__ = [
    "BYTE_ORDER_MARK",
    "MAX_LINE_BYTES",
    "NumberedFiles",
    "atomic_file",
    "check_line",
    "check_lines",
    "count_lines",
    "decode_lines",
    "open_text",
    "read_lines",
]
