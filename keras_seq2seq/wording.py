"""Numbers, durations and text of users in messages."""

from datetime import timedelta


def count(number: int, noun: str) -> str:
    """Returns a number with a regular noun, such as "1 pair" or "1,500 pairs"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def show_seconds(seconds: float) -> str:
    """Returns a duration as hours, minutes and seconds, such as "1:02:03"."""
    return str(timedelta(seconds=round(seconds)))


def visible(text: str) -> str:
    """Returns text with invisible characters replaced by code points, such as `<U+202E>`.

    These are control and formatting characters, which could affect a terminal or the order of the
    characters on a page, whitespace other than spaces, and unassigned characters.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else f"<U+{ord(character):04X}>" for character in text
    )


# The longest paths have 4,096 characters.
_MAX_MESSAGE = 10_000


def in_one_line(message: str) -> str:
    """Returns a message as one line without control characters, which paths and text may contain.

    Very long messages are cut in the middle.
    """
    line = visible(" ".join(part.strip() for part in message.splitlines()))
    if len(line) <= _MAX_MESSAGE:
        return line
    half = _MAX_MESSAGE // 2
    return f"{line[:half]} ... {line[-half:]}"
