"""Messages: invisible characters."""

import unicodedata

import pytest

from keras_seq2seq.wording import visible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("grün 日本 é", "grün 日本 é"),
        ("\u202eabc\u202c", "<U+202E>abc<U+202C>"),
        ("\x1b[31m\x07\x9b", "<U+001B>[31m<U+0007><U+009B>"),
        ("a\tb\u2028c\u200bd\u3000", "a<U+0009>b<U+2028>c<U+200B>d<U+3000>"),
        ("\U000e0041", "<U+E0041>"),
    ],
)
def test_visible(text, expected):
    assert visible(text) == expected


def test_visible_text_changes_no_terminal_and_no_order():
    every = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    kinds = {unicodedata.category(character) for character in visible(every)}
    assert not kinds & {"Cc", "Cf", "Zl", "Zp", "Cs"}
