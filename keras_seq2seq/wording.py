"""Numbers and durations in messages."""

from datetime import timedelta


def count(number: int, noun: str) -> str:
    """Returns a number with a regular noun, such as "1 pair" or "1,500 pairs"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def show_seconds(seconds: float) -> str:
    """Returns a duration as hours, minutes and seconds, such as "1:02:03"."""
    return str(timedelta(seconds=round(seconds)))
