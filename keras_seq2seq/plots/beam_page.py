"""A beam search's tree as a page."""

import html
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import resources
from typing import TextIO

from keras_seq2seq.plots.beam_nodes import find_end, read_nodes
from keras_seq2seq.special_tokens import END_ID


def write_beam_page(
    file: TextIO,
    tree,
    to_tokens: Callable[[Iterable[int]], list[str]],
    hypotheses: Sequence[tuple[Sequence[int], float]],
    source: str = "",
    separator: str = " ",
):
    """Writes the tree of a beam search as an HTML page.

    The page loads nothing from anywhere. It shows each token that was kept with its probability,
    the finished hypotheses and the winner, and can be moved, zoomed and searched.

    Args:
        file: Where to write the page; UTF-8.
        tree: The `BeamTree` of one sentence, of `BeamSearch(return_tree=True)`: arrays
            `(steps, width)`.
        to_tokens: Turns ids into tokens, such as `Vocabulary.to_tokens`.
        hypotheses: The ids, without the end token, and the score of what the search returned,
            best first. The first is the winner.
        source: What was translated.
        separator: What stands between tokens in text.

    Raises:
        ValueError: If a hypothesis is not in the tree.
    """
    nodes = read_nodes(tree)
    tokens = to_tokens(node.id for node in nodes)
    data = {
        "source": source,
        "separator": separator,
        # A token of None stands for the start and for an end.
        "nodes": [
            (parent, None if parent < 0 or i == END_ID else token, _number(score))
            for (parent, i, score), token in zip(nodes, tokens, strict=True)
        ],
        "hypotheses": [
            {"node": find_end(nodes, ids), "score": _number(score)} for ids, score in hypotheses
        ],
    }
    # Whatever the tokens are, no part of them can end the script.
    as_json = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    fields = {"title": html.escape(source or "Beam search"), "data": as_json}
    file.write(re.sub(r"{{(\w+)}}", lambda match: fields[match[1]], _template()))


def _number(score: float) -> float:
    # JSON has no infinity; the exponential of this is zero as well.
    return round(float(score), 6) if math.isfinite(score) else -1e9


@cache
def _template() -> str:
    page = resources.files("keras_seq2seq.plots") / "beam_page.html"
    return page.read_text(encoding="utf-8")
