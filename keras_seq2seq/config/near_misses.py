"""What a mistyped option may have meant."""

from collections.abc import Iterable
from difflib import SequenceMatcher

# Likeness from 0 to 1, as difflib measures it.
_NEAR = 0.6
_EQUALLY_NEAR = 0.02


def near_misses(name: str, valid_names: Iterable[str]) -> list[str]:
    """Returns the valid names nearest to the dotted `name`: mostly one or none."""
    valid_names = list(valid_names)
    # A section that exists is meant.
    section = name.rpartition(".")[0]
    valid_names = [valid for valid in valid_names if valid.startswith(f"{section}.")] or valid_names
    # The right name in a wrong section, or in none, is nearer than any other spelling.
    candidates = [valid for valid in valid_names if _last(valid) == _last(name)]
    if not candidates:
        # The section alone makes long names alike: the last part must be like the other too.
        candidates = [
            valid
            for valid in valid_names
            if _likeness(name, valid) >= _NEAR and _likeness(_last(name), _last(valid)) >= _NEAR
        ]
    nearest = max((_likeness(name, valid) for valid in candidates), default=0)
    return [valid for valid in candidates if _likeness(name, valid) > nearest - _EQUALLY_NEAR]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()
