import io
import json
import math
import time

import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.json_text import read_objects, to_json


def test_what_json_does_not_have_becomes_null():
    value = {"scores": [1.5, -math.inf, {"x": (math.nan, True)}]}
    assert json.loads(to_json(value)) == {"scores": [1.5, None, {"x": [None, True]}]}


def test_a_duplicate_key_among_very_many_is_found_in_little_time():
    items = ", ".join(f'"{number}": 0' for number in range(70_000))
    line = f'{{{items}, "twice": 0, "twice": 1}}'
    begin = time.perf_counter()
    with pytest.raises(UserError, match="a:1: invalid JSON: key 'twice' is given twice"):
        list(read_objects(io.BytesIO(line.encode()), "a"))
    assert time.perf_counter() - begin < 10


def test_lone_surrogates_become_escapes():
    text = to_json({"grü\udcff": "\ud800😀"})
    assert text == '{"grü\\udcff": "\\ud800😀"}'
    text.encode("utf-8")
    assert json.loads(text) == {"grü\udcff": "\ud800😀"}


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": "x"}',
        b'{"a":1.10,"b":1e400, "c":NaN }',
        b'{ "a" : "\\ud800\\/\\u00e9" }  ',
        b'{"n": 12345678901234567890.5, "m": -0, "k": {}}',
    ],
)
def test_items_are_added_and_the_others_stay(line):
    (found,) = read_objects(io.BytesIO(line + b"\n"), "a.jsonl")
    text = found.with_items({"t": "ü", "score": -math.inf})
    assert text.startswith(line.decode().rstrip(" }"))
    assert text.endswith(', "t": "ü", "score": null}')
    added = {"t": "ü", "score": None}
    # As text, since NaN is not equal to itself.
    assert str(json.loads(text)) == str({**json.loads(line), **added})
