"""Values in error messages."""

import json
from typing import Any

_LONGEST = 60


def show(value: Any) -> str:
    """Returns `value` as the user wrote it, on one line and not longer than a line should be."""
    if value is None:
        return "nothing"
    # json writes text, true and false as YAML does, but an infinity as "Infinity".
    shown = json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
