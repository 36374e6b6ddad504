"""Words, numbers and punctuation of raw text, with marks that make splitting reversible."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import groupby
from typing import Any

from keras_seq2seq.files.text_lines import BYTE_ORDER_MARK
from keras_seq2seq.text.tokenizer import Tokenizer, register_tokenizer
from keras_seq2seq.text.vocabulary import WHITESPACE_CHARACTERS, Vocabulary

# Marks the side of a token that has no space next to it, as in OpenNMT's tokenizer.
JOINER = "\uffed"

_UNICODE_SIZE = 0x110000

# Classes of characters. A capital letter is the class of the letters of a script.
_SPACE, _SPELLED, _DIGIT, _IDEOGRAPH, _EXTENDER, _APOSTROPHE, _SYMBOL = " sdcm'p"

# Letters of scripts that are not listed have a class of their own.
_SCRIPTS = (
    "LATIN GREEK CYRILLIC ARABIC HEBREW HIRAGANA KATAKANA HANGUL THAI LAO KHMER MYANMAR DEVANAGARI "
    "BENGALI GURMUKHI GUJARATI TAMIL TELUGU KANNADA MALAYALAM SINHALA TIBETAN GEORGIAN ARMENIAN"
).split()
_LETTER_CLASSES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OTHER_SCRIPT = _LETTER_CLASSES[-1]
_SCRIPT_OF_PREFIX = {"HALFWIDTH": "KATAKANA", "KATAKANA-HIRAGANA": "KATAKANA", "FULLWIDTH": "LATIN"}

_APOSTROPHES = "'\u2019"

_WORD_CLASSES = _LETTER_CLASSES + _DIGIT + _IDEOGRAPH

# The class of the positions before the first and after the last character of a line.
_OUTSIDE = "\0"

# After these, a combining mark is a token of its own.
_NOT_EXTENDED = _SPACE + _SPELLED + _OUTSIDE

# The units that are never split: a run of letters of one script with apostrophes inside, a run of
# digits, or another character; each with its combining marks.
_ATOM = re.compile(
    f"([A-Z]){_EXTENDER}*(?:{_APOSTROPHE}?\\1{_EXTENDER}*)*"
    f"|{_DIGIT}[{_DIGIT}{_EXTENDER}]*"
    f"|[{_SPACE}{_SPELLED}]"
    f"|.{_EXTENDER}*"
)

# A single space between two other characters separates tokens. All other whitespace is escaped.
_SEPARATOR = re.compile(f"(?<=[^{_SPACE}]){_SPACE}(?=[^{_SPACE}])")

# Number of characters of lines that are normalized in another way.
_LONG_LINE = 1_000

_SPELLED_TOKEN = re.compile(r"<U\+([0-9A-F]{4,6})>")


def _class_of(character: str) -> str:
    category = unicodedata.category(character)
    if character == " ":
        return _SPACE
    if character in WHITESPACE_CHARACTERS + JOINER + BYTE_ORDER_MARK or category == "Cc":
        return _SPELLED
    if category[0] == "M" or category == "Cf":
        return _EXTENDER
    if category == "Nd":
        return _DIGIT
    if category[0] == "L":
        name = unicodedata.name(character, "").partition(" ")[0]
        if name == "CJK":
            return _IDEOGRAPH
        script = _SCRIPT_OF_PREFIX.get(name, name)
        return _LETTER_CLASSES[_SCRIPTS.index(script)] if script in _SCRIPTS else _OTHER_SCRIPT
    return _APOSTROPHE if character in _APOSTROPHES else _SYMBOL


@cache
def _classes() -> str:
    """Returns the classes of all characters, as a table for `str.translate`."""
    return "".join(map(_class_of, map(chr, range(_UNICODE_SIZE))))


@cache
def _lowercase() -> dict[int, int]:
    """Returns the lowercase of all characters whose lowercase is a single character."""
    characters = map(chr, range(_UNICODE_SIZE))
    return {
        ord(character): ord(character.lower())
        for character in characters
        if len(character.lower()) == 1 and character.lower() != character
    }


def _spell(code: int) -> str:
    return f"<U+{code:04X}>"


@register_tokenizer
class WordTokenizer(Tokenizer):
    """Splits raw text into words, numbers and punctuation, losslessly.

    A word is a run of letters of one script with their combining marks and the apostrophes between
    them; a number is a run of digits. Every other character is a token of its own, as is each
    Chinese character. A token that has no space next to it is marked with "￭" (U+FFED) on that
    side; of two adjacent tokens, only one is marked, preferably punctuation.
    Whitespace other than single spaces, control characters and "￭" itself are escaped, such as
    "<U+0009>". `detokenize` is therefore the exact inverse of `split`, unless text is normalized.

    Args:
        vocabulary: The `Vocabulary` that defines the ids. Without one, the tokenizer can only
            split text and join tokens.
        lowercase: Whether to convert text to lowercase.
        nfkc: Whether to normalize text to Unicode normalization form NFKC; "ﬁ" becomes "fi".
            TensorFlow and Python may differ on characters that are newer than Python's version of
            Unicode.

    Example:

    >>> tokenizer = WordTokenizer.build(["Don't stop (now)!"])
    >>> tokenizer.split("Don't stop (now)!")
    ["Don't", 'stop', '(￭', 'now', '￭)', '￭!']
    >>> tokenizer.detokenize(["Don't", 'stop', '(￭', 'now', '￭)', '￭!'])
    "Don't stop (now)!"
    """

    name = "words"
    hyperparameters = ("lowercase", "nfkc")
    keeps_white_space = True

    def __init__(
        self, vocabulary: Vocabulary | None = None, lowercase: bool = False, nfkc: bool = False
    ):
        super().__init__(vocabulary)
        self.lowercase = lowercase
        self.nfkc = nfkc

    def get_config(self) -> dict[str, Any]:
        return {"lowercase": self.lowercase, "nfkc": self.nfkc}

    def split(self, line: str) -> list[str]:
        if self.nfkc:
            line = _normalize(line)
        if self.lowercase:
            line = line.translate(_lowercase())
        classes = line.translate(_classes())
        separators = {match.start() for match in _SEPARATOR.finditer(classes)}
        tokens, end, was_word = [], -1, False
        for match in _ATOM.finditer(classes):
            start = match.start()
            if start in separators:
                continue
            kind = classes[start]
            is_word = kind in _WORD_CLASSES
            token = line[start : match.end()]
            if kind in (_SPACE, _SPELLED):
                token = _spell(ord(token))
            if start == end:
                if is_word and not was_word:
                    tokens[-1] += JOINER
                else:
                    token = JOINER + token
            tokens.append(token)
            end, was_word = match.end(), is_word
        return tokens

    def detokenize(self, tokens: Iterable[str]) -> str:
        """Joins tokens with single spaces, except at the sides that are marked with "￭"."""
        parts, is_joined = [], True
        for token in tokens:
            if token.startswith(JOINER):
                token, is_joined = token[1:], True
            if not is_joined:
                parts.append(" ")
            is_joined = token.endswith(JOINER)
            token = token.removesuffix(JOINER)
            spelled = _SPELLED_TOKEN.fullmatch(token)
            code = int(spelled[1], 16) if spelled else _UNICODE_SIZE
            parts.append(chr(code) if code < _UNICODE_SIZE else token)
        return "".join(parts)

    def detokenize_tensor(self, tokens):
        import tensorflow as tf

        starts_joined = tf.strings.regex_full_match(tokens.values, f"(?s){JOINER}.*")
        words = tf.strings.regex_replace(tokens.values, f"^{JOINER}", "", replace_global=False)
        ends_joined = tf.strings.regex_full_match(words, f"(?s).*{JOINER}")
        words = _unspell(tf.strings.regex_replace(words, f"{JOINER}$", "", replace_global=False))
        # The first token of a line is not joined to a previous one.
        row = tokens.value_rowids()
        is_first = row != tf.concat([[-1], row[:-1]], 0)[: tf.size(row)]
        was_joined = tf.concat([[True], ends_joined[:-1]], 0)[: tf.size(row)]
        has_space = ~(starts_joined | was_joined | is_first)
        words = tf.strings.join([tf.where(has_space, " ", ""), words])
        return tf.strings.reduce_join(tokens.with_values(words), axis=-1)

    def tokenize(self, lines):
        import tensorflow as tf

        if self.nfkc:
            import tensorflow_text

            lines = tensorflow_text.normalize_utf8(lines, "NFKC")
        # Runs of characters of all lines at once; `row` is the number of the line.
        characters = tf.strings.unicode_split(lines, "UTF-8")
        row_splits, row = characters.row_splits, characters.value_rowids()
        codes = tf.strings.unicode_decode(lines, "UTF-8").values
        text = characters.values
        tables = self._constant("tables", self._make_tables)
        if self.lowercase:
            codes = tf.gather(tables["lowercase"], codes)
            text = tf.strings.unicode_encode(codes[:, None], "UTF-8")
        kinds = tf.gather(tables["classes"], codes)
        spelled = tf.gather(tables["spelled_index"], codes)
        text = tf.where(spelled > 0, tf.gather(tables["spelled"], spelled), text)

        # Atoms start where the pattern `_ATOM` matches.
        before, after = _shift(kinds, row, 1), _shift(kinds, row, -1)
        starts_base = (kinds != ord(_EXTENDER)) | _is_one_of(before, _NOT_EXTENDED)
        base = tf.boolean_mask(kinds, starts_base)
        base_row = tf.boolean_mask(row, starts_base)
        is_alone = tf.boolean_mask(after != ord(_EXTENDER), starts_base)
        base_before, base_after = _shift(base, base_row, 1), _shift(base, base_row, -1)
        is_inner = (
            (base == ord(_APOSTROPHE))
            & is_alone
            & _is_letter(base_before)
            & (base_before == base_after)
        )
        goes_on = (
            ((_is_letter(base) | (base == ord(_DIGIT))) & (base == base_before))
            | is_inner
            | tf.cast(_shift(tf.cast(is_inner, tf.int32), base_row, 1), tf.bool)
        )
        starts = tf.scatter_nd(
            tf.where(starts_base), tf.cast(~goes_on, tf.int32), tf.shape(codes, tf.int64)
        )

        # Separators are dropped; the other characters are joined to tokens.
        is_separator = (
            (kinds == ord(_SPACE))
            & ~_is_one_of(before, _SPACE + _OUTSIDE)
            & ~_is_one_of(after, _SPACE + _OUTSIDE)
        )
        atom = tf.cumsum(starts) - 1
        number = tf.reduce_sum(starts)
        first = tf.where((starts > 0) & ~is_separator)[:, 0]
        atoms = tf.gather(atom, first)
        tokens = tf.strings.unsorted_segment_join(text, atom, number)
        tokens = tf.gather(tokens, atoms)
        token_row = tf.gather(row, first)
        is_word = tf.gather(tables["is_word"], tf.gather(kinds, first))
        # Nothing was dropped between two consecutive atoms of a line.
        is_joined = (atoms == tf.concat([[-2], atoms[:-1]], 0) + 1) & (
            token_row == tf.concat([[-1], token_row[:-1]], 0)
        )
        was_word = tf.concat([[False], is_word[:-1]], 0)
        marks_previous = is_joined & is_word & ~was_word
        marks_self = is_joined & ~marks_previous
        marks_right = tf.concat([marks_previous[1:], [False]], 0)[: tf.size(tokens)]
        tokens = tf.strings.join(
            [tf.where(marks_self, JOINER, ""), tokens, tf.where(marks_right, JOINER, "")]
        )
        return tf.RaggedTensor.from_value_rowids(
            tokens, token_row, tf.size(row_splits, tf.int64) - 1
        )

    def _make_tables(self) -> dict:
        """Returns the tables of the graph."""
        import numpy as np
        import tensorflow as tf

        classes = np.frombuffer(_classes().encode("latin-1"), np.uint8).astype(np.int32)
        is_spelled = np.isin(classes, [ord(_SPACE), ord(_SPELLED)])
        (spelled,) = np.nonzero(is_spelled)
        index = np.zeros(_UNICODE_SIZE, np.int32)
        index[spelled] = range(1, len(spelled) + 1)
        lowercase = np.arange(_UNICODE_SIZE, dtype=np.int32)
        if self.lowercase:
            lowercase[list(_lowercase())] = list(_lowercase().values())
        return {
            "classes": tf.constant(classes),
            "lowercase": tf.constant(lowercase),
            "spelled": tf.constant(["", *map(_spell, spelled)]),
            "spelled_index": tf.constant(index),
            "is_word": tf.constant([chr(code) in _WORD_CLASSES for code in range(128)]),
        }


def _normalize(line: str) -> str:
    """Returns text in Unicode normalization form NFKC."""
    if len(line) > _LONG_LINE:
        # Python takes quadratic time to sort the combining marks after a character.
        characters = "".join(unicodedata.normalize("NFKD", character) for character in line)
        runs = groupby(characters, key=lambda character: unicodedata.combining(character) > 0)
        line = "".join("".join(sorted(run, key=unicodedata.combining)) for _, run in runs)
    return unicodedata.normalize("NFKC", line)


def _unspell(words):
    """Returns the characters of escaped tokens, and other tokens unchanged."""
    import tensorflow as tf

    pattern = _SPELLED_TOKEN.pattern
    is_spelled = tf.strings.regex_full_match(words, pattern)
    spelled = tf.where(is_spelled, words, "<U+0020>")
    number = tf.strings.join(["00", tf.strings.regex_replace(spelled, pattern, r"\1")])
    number = tf.strings.substr(number, -6, 6)
    digits = tf.cast(tf.io.decode_raw(number, tf.uint8, fixed_length=6), tf.int32)
    digits -= tf.where(digits > ord("9"), ord("A") - 10, ord("0"))
    code = tf.reduce_sum(digits * [16**place for place in range(5, -1, -1)], axis=1)
    is_character = is_spelled & (code < _UNICODE_SIZE)
    characters = tf.strings.unicode_encode(tf.where(is_character, code, ord(" "))[:, None], "UTF-8")
    return tf.where(is_character, characters, words)


def _is_letter(kinds):
    return (kinds >= ord("A")) & (kinds <= ord("Z"))


def _is_one_of(kinds, classes: str):
    import tensorflow as tf

    return tf.reduce_any(kinds[:, None] == tf.constant(list(map(ord, classes))), axis=1)


def _shift(values, row, by: int):
    """Returns the value before (1) or after (-1) each one within its line, or 0 outside."""
    import tensorflow as tf

    if by > 0:
        moved = tf.concat([[0], values[:-1]], 0)
        same = tf.concat([[False], row[1:] == row[:-1]], 0)
    else:
        moved = tf.concat([values[1:], [0]], 0)
        same = tf.concat([row[1:] == row[:-1], [False]], 0)
    size = tf.size(values)
    return tf.where(same[:size], moved[:size], 0)
