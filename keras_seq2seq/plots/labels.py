"""Text labels of plots, and fonts that support their characters."""

import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from matplotlib import get_cachedir, rcParams
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

# A font of matplotlib that draws a box for any character.
_PLACEHOLDER_FONT = "Last Resort"


def choose_fonts(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """Finds installed fonts that together support all characters of some texts.

    Args:
        texts: Iterable of strings.

    Returns:
        A tuple of the names of the font families, starting with matplotlib's default, and the set
        of characters that no installed font supports.
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
    # Sorted, so that the choice of fonts is reproducible.
    for font in sorted(fontManager.ttflist, key=lambda font: (font.name, font.fname)):
        is_regular = font.style == "normal" and font.weight in (400, "normal")
        if is_regular and not font.name.startswith(_PLACEHOLDER_FONT):
            yield font.name, font.fname


@cache
def _characters(path: str) -> frozenset[int]:
    return frozenset(get_font(path).get_charmap())


# Longer labels would take more room than the plot itself.
_MAX_CHARACTERS = 24

# Control characters such as tabs, which would be drawn as boxes or break the line.
_INVISIBLE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")

# Unsupported characters about which a warning has been issued.
_warned: set[str] = set()


def make_labels(tokens: Sequence[str], more: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Converts tokens to labels for a plot.

    Long tokens are abbreviated. Characters that no installed font supports are replaced by their
    code points, such as U+7B11, with a warning on first use.

    Args:
        tokens: List of strings, the tokens.
        more: List of strings, other text in the same plot.

    Returns:
        A tuple of the labels and the names of the font families to use.
    """
    labels = [_INVISIBLE.sub(lambda match: _number(match[0]), shorten(token)) for token in tokens]
    families, missing = choose_fonts([*labels, *more])
    if missing - _warned:
        _warned.update(missing)
        _warn(missing)
    if missing:
        characters = "".join(map(re.escape, sorted(missing)))
        # Joiners and variation selectors belong to the adjacent characters.
        unsupported = re.compile(f"[{characters}][{characters}\u200d\ufe0e\ufe0f]*")
        labels = [unsupported.sub(lambda match: _number(match[0]), label) for label in labels]
    return labels, families


def shorten(token: str, max_length: int = _MAX_CHARACTERS) -> str:
    """Replaces the middle of a long token with an ellipsis.

    Args:
        token: The token.
        max_length: Integer, the maximum number of characters of the result.
    """
    if len(token) <= max_length:
        return token
    head = max_length // 2
    return f"{token[:head]}…{token[len(token) - (max_length - head - 1) :]}"


def _number(characters: str) -> str:
    """Returns the code point of the first character, with an ellipsis if there are more."""
    return f"U+{ord(characters[0]):04X}{'…' if len(characters) > 1 else ''}"


def _warn(missing: set[str]):
    first = min(missing)
    name = unicodedata.name(first, "")
    others = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
    warnings.warn(
        f"no installed font supports {f'{name} ' if name else ''}(U+{ord(first):04X}){others}; "
        "plots show code points instead. Install a font such as Noto (fonts-noto on Debian) and "
        f"delete {get_cachedir()}, where matplotlib caches its list of fonts",
        stacklevel=4,
    )
