"""A beam search's tree as a list of nodes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

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
