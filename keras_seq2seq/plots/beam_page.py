"""The beam tree of a translation as an HTML page."""

import html
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple, TextIO

import numpy as np

from keras_seq2seq.files.writing import NumberedFiles, atomic_file
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, START_ID


class BeamNode(NamedTuple):
    """A token that a search kept.

    Attributes:
        parent: The index of the node before it, -1 for the first node, which all come from.
        id: The token, or `END_ID` where a hypothesis ends.
        score: The log-probability of the token after those before it.
    """

    parent: int
    id: int
    score: float


def read_nodes(tree) -> list[BeamNode]:
    """Reads the tree of one sentence.

    Args:
        tree: A `BeamTree` without its first axis: arrays `(steps, width)`.

    Returns:
        The nodes, parents before their children; the first is the start.
    """
    ids, parents, token_scores, ends, end_scores = (np.asarray(part) for part in tree)
    nodes = [BeamNode(-1, START_ID, 0.0)]
    # The node that each live hypothesis ends with.
    live = {0: 0}
    for step in range(len(ids)):
        for beam in np.flatnonzero(ends[step]):
            nodes.append(BeamNode(live[beam], END_ID, float(end_scores[step, beam])))
        kept = {}
        for beam in np.flatnonzero(ids[step] != PADDING_ID):
            kept[beam] = len(nodes)
            parent, score = live[parents[step, beam]], float(token_scores[step, beam])
            nodes.append(BeamNode(parent, int(ids[step, beam]), score))
        live = kept
    return nodes


def find_end(nodes: Sequence[BeamNode], ids: Sequence[int]) -> int:
    """Returns the index of the node that a hypothesis ends with.

    Args:
        nodes: What `read_nodes` returned.
        ids: The tokens of the hypothesis, without the end token.

    Raises:
        ValueError: If there is no such hypothesis in the tree.
    """
    index_of = {(node.parent, node.id): index for index, node in enumerate(nodes)}
    index = 0
    for token_id in (*ids, END_ID):
        index = index_of.get((index, int(token_id)))
        if index is None:
            raise ValueError(f"no hypothesis of the tree has these tokens. Received: {ids}")
    return index


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


class BeamDirectory:
    """Writes a page for each sentence: `000007.html` for the seventh.

    Args:
        directory: A new or an empty directory.

    Raises:
        UserError: If the directory has files, or cannot be written.
    """

    def __init__(self, directory: str | os.PathLike):
        self._files = NumberedFiles(directory)

    def write(self, number: int, tree, to_tokens, hypotheses, **options):
        """Writes the page of a sentence.

        Args:
            number: The number of the sentence, 1 for the first.
            tree, to_tokens, hypotheses, **options: As `write_beam_page` takes them.

        Raises:
            ValueError: If a hypothesis is not in the tree.
            OSError: If the file cannot be written.
        """
        with atomic_file(self._files.path(number, ".html")) as file:
            write_beam_page(file, tree, to_tokens, hypotheses, **options)
