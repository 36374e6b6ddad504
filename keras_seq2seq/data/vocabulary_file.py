"""Reading vocabulary files, and refusing those that would go wrong later."""

import os
import re

from keras_seq2seq.data.text_lines import read_lines
from keras_seq2seq.data.whitespace import WHITESPACE
from keras_seq2seq.errors import UserError
from keras_seq2seq.special_tokens import RESERVED_TOKENS

_BLANK = re.compile(f"[{WHITESPACE}]")


def read_vocabulary_file(path: str | os.PathLike) -> tuple[list[str], list[int] | None]:
    """Reads one token a line, each optionally followed by a tab and a count.

    Args:
        path: The file: UTF-8, plain or `.gz`. A byte-order mark, carriage returns and blanks
            at the ends of lines are dropped.

    Returns:
        The tokens, and their counts, or `None` where no line has one.

    Raises:
        UserError: If the file cannot be read, is empty, or has a blank line, a token twice, a
            reserved token, a token with a blank inside or a count that is none. It names the
            line.
    """
    line_of: dict[str, int] = {}
    counts: list[int | None] = []
    for number, line in enumerate(read_lines(path), 1):
        place = f"{path}:{number}"
        token, count = _parse_line(line, place)
        if token in line_of:
            raise UserError(f"{place}: {token!r} is already on line {line_of[token]}; remove one")
        if counts and (count is None) != (counts[0] is None):
            raise UserError(f"{place}: a count on some lines only; expected one on each or none")
        line_of[token] = number
        counts.append(count)
    if not line_of:
        raise UserError(f"{path}: empty file; expected a vocabulary with one token a line")
    return list(line_of), None if counts[0] is None else counts


def _parse_line(line: str, place: str) -> tuple[str, int | None]:
    token, tab, count = line.rstrip().partition("\t")
    token = token.strip()
    if not token:
        raise UserError(f"{place}: blank line; expected a token (remove the line)")
    if token in RESERVED_TOKENS:
        raise UserError(f"{place}: {token!r} is reserved and added by the program; remove the line")
    if _BLANK.search(token):
        raise UserError(
            f"{place}: blank inside of {token!r}; expected one token, and a tab before a count"
        )
    return token, _parse_count(count, place) if tab else None


def _parse_count(text: str, place: str) -> int:
    # Not int(): it also takes "-1", "1_000" and "+5".
    if not re.fullmatch("[0-9]+", text.strip()):
        raise UserError(f"{place}: count {text!r} after the tab; expected a whole number")
    return int(text)
