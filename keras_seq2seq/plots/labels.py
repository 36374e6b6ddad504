"""Labels of plots, and fonts that have their characters."""

import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from matplotlib import get_cachedir, rcParams
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

# Comes with matplotlib, and draws a box for whatever character.
_PLACEHOLDERS = "Last Resort"


def choose_fonts(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """Finds installed fonts that have the characters of the texts between them.

    Args:
        texts: What shall be written.

    Returns:
        The names of the font families, matplotlib's own first, and the characters that no
        installed font has.
    """
    families: list[str] = []
    missing = {character for text in texts for character in text}
    for family, path in _installed_fonts():
        found = {character for character in missing if ord(character) in _characters(path)}
        if found or not families:
            families.append(family)
            missing -= found
        if not missing:
            break
    return families, missing


def _installed_fonts() -> Iterator[tuple[str, str]]:
    default = FontProperties(family=rcParams["font.family"])
    path = findfont(default)
    yield get_font(path).family_name, path
    # Sorted, so that the same machine always makes the same picture.
    for font in sorted(fontManager.ttflist, key=lambda font: (font.name, font.fname)):
        is_regular = font.style == "normal" and font.weight in (400, "normal")
        if is_regular and not font.name.startswith(_PLACEHOLDERS):
            yield font.name, font.fname


@cache
def _characters(path: str) -> frozenset[int]:
    return frozenset(get_font(path).get_charmap())


# In characters. A longer label takes more room than the picture that it belongs to.
_LONGEST = 24

# A control character such as a tab would be a box, or break the line.
_INVISIBLE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")

# Characters that no font has, each told of once a program.
_told: set[str] = set()


def make_labels(tokens: Sequence[str], more: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Makes tokens fit to be drawn.

    Long ones lose their middle. Where no installed font has a character, its number stands for
    it, such as U+7B11, and a warning says so once.

    Args:
        tokens: The tokens.
        more: Further text of the same picture.

    Returns:
        The labels, and the names of the font families to draw them with.
    """
    labels = [_INVISIBLE.sub(lambda match: _number(match[0]), shorten(token)) for token in tokens]
    families, missing = choose_fonts([*labels, *more])
    if missing - _told:
        _told.update(missing)
        _warn(missing)
    if missing:
        characters = "".join(map(re.escape, sorted(missing)))
        # Joiners and variation selectors belong to the characters round them.
        unknown = re.compile(f"[{characters}][{characters}\u200d\ufe0e\ufe0f]*")
        labels = [unknown.sub(lambda match: _number(match[0]), label) for label in labels]
    return labels, families


def shorten(token: str, longest: int = _LONGEST) -> str:
    """Returns a token that is at most so many characters long, an ellipsis for its middle."""
    if len(token) <= longest:
        return token
    head = longest // 2
    return f"{token[:head]}…{token[len(token) - (longest - head - 1) :]}"


def _number(characters: str) -> str:
    """Writes characters by the number of the first, such as U+7B11, and an ellipsis for more."""
    return f"U+{ord(characters[0]):04X}{'…' if len(characters) > 1 else ''}"


def _warn(missing: set[str]):
    first = min(missing)
    name = unicodedata.name(first, "")
    others = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
    warnings.warn(
        f"no installed font has {f'{name} ' if name else ''}(U+{ord(first):04X}){others}: pictures "
        "show their numbers instead. Install a font that has them, such as Noto (on Debian "
        "fonts-noto), and remove "
        f"{get_cachedir()}, where matplotlib keeps its list of fonts",
        stacklevel=4,
    )
