"""Reading text files line by line, and writing files atomically."""

from keras_seq2seq.files.compression import has_one_member, is_compressed, open_text
from keras_seq2seq.files.directories import LiteralDirectory, printable
from keras_seq2seq.files.reading import find_files, open_regular_file, read_small_file
from keras_seq2seq.files.text_lines import (
    BYTE_ORDER_MARK,
    MAX_LINE_BYTES,
    check_line,
    check_lines,
    count_lines,
    decode_lines,
    raw_lines,
    read_lines,
)
from keras_seq2seq.files.writing import NumberedFiles, atomic_directory, atomic_file

__all__ = [
    "BYTE_ORDER_MARK",
    "MAX_LINE_BYTES",
    "LiteralDirectory",
    "NumberedFiles",
    "atomic_directory",
    "atomic_file",
    "check_line",
    "check_lines",
    "count_lines",
    "decode_lines",
    "find_files",
    "has_one_member",
    "is_compressed",
    "open_regular_file",
    "open_text",
    "printable",
    "raw_lines",
    "read_lines",
    "read_small_file",
]
