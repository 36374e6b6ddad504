"""Reading and writing JSON."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.text_lines import decode_lines, short_repr

_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonLine(NamedTuple):
    """A line of a JSON lines file.

    Attributes:
        place: Where it is, for messages.
        value: The object that it contains.
        text: The line itself.
    """

    place: str
    value: dict[str, Any]
    text: str

    def with_items(self, added: dict[str, Any]) -> str:
        """Returns the line with further items at its end; everything else stays as it is.

        Reading and writing the object would change some of its numbers, such as 0.10 or 1e400.
        """
        items = to_json(added)[1:]
        return f"{self.text.rstrip()[:-1].rstrip()}, {items}"


def read_objects(stream: BinaryIO, path: str) -> Iterator[JsonLine]:
    """Yields the lines of a JSON lines file.

    Args:
        stream: The open binary file.
        path: The name of the file in messages.

    Raises:
        UserError: If a line is not a JSON object, or has a key twice.
    """
    for number, line in enumerate(decode_lines(stream, path), 1):
        place = f"{path}:{number}"
        try:
            value = json.loads(line, object_pairs_hook=_unique)
        except json.JSONDecodeError as error:
            what = f"{error.msg} at column {error.colno}" if line.strip() else "empty line"
            raise UserError(
                f"{place}: invalid JSON: {what}; expected an object in each line"
            ) from None
        except RecursionError:
            raise UserError(f"{place}: JSON is nested too deeply") from None
        # An integer with thousands of digits, or a duplicate key.
        except ValueError as error:
            raise UserError(f"{place}: invalid JSON: {error}") from None
        if not isinstance(value, dict):
            raise UserError(f"{place}: {short_repr(value)}; expected a JSON object")
        yield JsonLine(place, value, line)


def _unique(items: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(items)
    if len(values) != len(items):
        counts = Counter(key for key, _ in items)
        twice = next(key for key, count in counts.items() if count > 1)
        raise ValueError(f"key {short_repr(twice)} is given twice")
    return values


def to_json(value: Any, **layout: Any) -> str:
    r"""Returns JSON text, which can be encoded as UTF-8.

    Infinity and NaN, which JSON does not have, become `null`. Lone surrogates, such as those of
    file names that are not UTF-8, become escapes such as `\udcff`.

    Args:
        value: JSON values.
        **layout: `indent` and `separators`, as in `json.dumps`.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, **layout)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, **layout)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
