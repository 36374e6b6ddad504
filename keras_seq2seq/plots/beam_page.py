"""Beam search trees as HTML pages."""

import html
import math
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TextIO

import numpy as np

from keras_seq2seq.files.writing import NumberedFiles, atomic_file
from keras_seq2seq.plots.html_page import fill_template, read_template, script_data
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, START_ID


class BeamNode(NamedTuple):
    """A node of the tree: a token that the search kept.

    Attributes:
        parent: The index of the preceding node, -1 for the root.
        id: The token id, `END_ID` at the end of a hypothesis.
        score: The log-probability of the token given the preceding tokens.
    """

    parent: int
    id: int
    score: float


def read_nodes(tree) -> list[BeamNode]:
    """Reads the nodes of a tree.

    Args:
        tree: The `BeamTree` of one sentence: arrays `(steps, beam_width)`.

    Returns:
        A list of `BeamNode`, with parents before their children. The first one is the root, the
        start token.
    """
    ids, parents, token_scores, ends, end_scores = (np.asarray(part) for part in tree)
    nodes = [BeamNode(-1, START_ID, 0.0)]
    # The last node of each live hypothesis.
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
    """Returns the index of the last node of a finished hypothesis, as `find_ends` does."""
    return find_ends(nodes, [ids])[0]


def find_ends(nodes: Sequence[BeamNode], hypotheses: Iterable[Sequence[int]]) -> list[int]:
    """Returns the indices of the last nodes of finished hypotheses.

    Args:
        nodes: The nodes from `read_nodes`.
        hypotheses: The token ids of each hypothesis, without the end token.

    Raises:
        ValueError: If the tree does not contain a hypothesis.
    """
    index_of = {(node.parent, node.id): index for index, node in enumerate(nodes)}
    ends = []
    for ids in hypotheses:
        index = 0
        for token_id in (*ids, END_ID):
            index = index_of.get((index, int(token_id)))
            if index is None:
                raise ValueError(f"no hypothesis of the tree has these tokens. Received: {ids}")
        ends.append(index)
    return ends


def describe_tree(
    tree,
    to_tokens: Callable[[Iterable[int]], list[str]],
    hypotheses: Sequence[tuple[Sequence[int], float]],
) -> dict[str, list]:
    """Returns the tree of a beam search as JSON values, for the script of the page.

    Args:
        tree, to_tokens, hypotheses: As in `write_beam_page`.

    Returns:
        A dictionary with two lists. `"nodes"` contains the index of the parent, the token and the
        log-probability of each node; the token is `None` at the start and at the end of a
        hypothesis. `"hypotheses"` contains the `"node"` at which each hypothesis ends and its
        `"score"`.

    Raises:
        ValueError: If a hypothesis is not in the tree.
    """
    nodes = read_nodes(tree)
    tokens = to_tokens(node.id for node in nodes)
    ends = find_ends(nodes, [ids for ids, _ in hypotheses])
    return {
        "nodes": [
            (parent, None if parent < 0 or i == END_ID else token, _number(score))
            for (parent, i, score), token in zip(nodes, tokens, strict=True)
        ],
        "hypotheses": [
            {"node": end, "score": _number(score)}
            for end, (_, score) in zip(ends, hypotheses, strict=True)
        ],
    }


def write_beam_page(
    file: TextIO,
    tree,
    to_tokens: Callable[[Iterable[int]], list[str]],
    hypotheses: Sequence[tuple[Sequence[int], float]],
    source: str = "",
    separator: str = " ",
):
    """Writes the tree of a beam search as a self-contained HTML page.

    The page shows the tokens that the search kept with their probabilities, the finished
    hypotheses, and the best hypothesis. The tree can be panned, zoomed and searched.

    Args:
        file: A text file to write to, with encoding UTF-8.
        tree: The `BeamTree` of one sentence from `BeamSearch(return_tree=True)`: arrays
            `(steps, beam_width)`.
        to_tokens: Function that converts ids to tokens, such as `Vocabulary.to_tokens`.
        hypotheses: List of pairs, the ids without the end token and the score of each hypothesis
            that the search returned, best first.
        source: The source text.
        separator: The text between two tokens.

    Raises:
        ValueError: If a hypothesis is not in the tree.

    Example:
        >>> translator = Translator.load("model", beam_width=5, return_tree=True)
        >>> (translation,) = translator.translate(["ein mann ."])
        >>> hypotheses = [(best.ids, best.score) for best in translation.hypotheses[:1]]
        >>> with open("beam.html", "w", encoding="utf-8") as file:
        ...     write_beam_page(file, translation.tree, vocabulary.to_tokens, hypotheses)
    """
    data = {
        "source": source,
        "separator": separator,
        **describe_tree(tree, to_tokens, hypotheses),
    }
    fields = {"title": html.escape(source or "Beam search"), "data": script_data(data)}
    file.write(fill_template(read_beam_template(), fields))


def tree_arguments(translation, target) -> dict[str, Any]:
    """Returns the arguments of `write_beam_page` for a translation, except for the file and source.

    Args:
        translation: A `Translation` with a tree.
        target: The `TextEncoder` of the targets.
    """
    return {
        "tree": translation.tree,
        "to_tokens": target.vocabulary.to_tokens,
        "hypotheses": [
            (hypothesis.ids, hypothesis.score)
            for hypothesis in translation.hypotheses
            if math.isfinite(hypothesis.score)
        ],
        "separator": " " if " " in target.tokenizer.detokenize(["a", "b"]) else "",
    }


def _number(score: float) -> float:
    # JSON has no infinity; this number has the same exponential, zero.
    return round(float(score), 6) if math.isfinite(score) else -1e9


def read_beam_template() -> str:
    """Returns the page with the placeholders `{{title}}` and `{{data}}`."""
    return read_template("keras_seq2seq.plots", "beam_page.html")


class BeamDirectory:
    """A directory with a beam page for each sentence, `000007.html` for the seventh.

    Args:
        directory: The path of a new or empty directory.

    Raises:
        UserError: If the directory is not empty or cannot be written.

    Example:
        >>> directory = BeamDirectory("beams")
        >>> directory.write(1, translation.tree, vocabulary.to_tokens, hypotheses)
    """

    def __init__(self, directory: str | os.PathLike):
        self._files = NumberedFiles(directory)

    def write(self, number: int, tree, to_tokens, hypotheses, **options):
        """Writes the page of a sentence.

        Args:
            number: The number of the sentence, counted from 1.
            tree, to_tokens, hypotheses, **options: Arguments of `write_beam_page`.

        Raises:
            ValueError: If a hypothesis is not in the tree.
            OSError: If the file cannot be written.
        """
        with atomic_file(self._files.path(number, ".html")) as file:
            write_beam_page(file, tree, to_tokens, hypotheses, **options)
