"""Scripts of text, such as Latin and Cyrillic."""

import unicodedata
from functools import cache

# Scripts by name, with the first words of the Unicode names of their letters.
SCRIPTS = {
    "arabic": ("ARABIC",),
    "armenian": ("ARMENIAN",),
    "bengali": ("BENGALI",),
    "chinese": ("CJK",),
    "cyrillic": ("CYRILLIC",),
    "devanagari": ("DEVANAGARI",),
    "georgian": ("GEORGIAN",),
    "greek": ("GREEK",),
    "hebrew": ("HEBREW",),
    "japanese": ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HALFWIDTH"),
    "korean": ("HANGUL",),
    "latin": ("LATIN", "FULLWIDTH"),
    "tamil": ("TAMIL",),
    "telugu": ("TELUGU",),
    "thai": ("THAI",),
}


@cache
def _script_of(character: str) -> str:
    """Returns the first word of the name of a letter, `""` for other characters."""
    if not unicodedata.category(character).startswith("L"):
        return ""
    return unicodedata.name(character, "").partition(" ")[0]


def is_in_script(line: str, script: str) -> bool:
    """Returns whether at least half of the letters of a line belong to a script.

    A line without letters, such as a number, belongs to every script.

    Args:
        line: The line.
        script: One of `SCRIPTS`.
    """
    found = [name for name in map(_script_of, line) if name]
    return 2 * sum(name in SCRIPTS[script] for name in found) >= len(found)
