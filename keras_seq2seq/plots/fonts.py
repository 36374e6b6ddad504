"""Fonts for labels in any script."""

from collections.abc import Iterable, Iterator
from functools import cache

from matplotlib import rcParams
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
