import numpy as np
import pytest
from decoding.searching import arrays_of, run
from decoding.table_model import TableModel
from plots.toy_tree import toy_tree

from keras_seq2seq.decoding import BeamSearch
from keras_seq2seq.decoding.beam_history import BeamTree
from keras_seq2seq.plots.beam_nodes import find_end, read_nodes


def test_each_node_and_its_parent():
    nodes = read_nodes(toy_tree())
    parents_and_ids = [(node.parent, node.id) for node in nodes]
    assert parents_and_ids == [
        (-1, 2),
        (0, 4),
        (0, 5),
        # The second step: "man" ends, and "a" goes on.
        (2, 3),
        (1, 5),
        (1, 6),
        (5, 3),
        (4, 7),
        (7, 3),
    ]
    probabilities = np.exp([node.score for node in nodes])
    np.testing.assert_allclose(probabilities, [1, 0.6, 0.3, 0.1, 0.5, 0.25, 0.4, 0.8, 0.9])


def test_ends_are_found_by_their_tokens():
    nodes = read_nodes(toy_tree())
    assert [find_end(nodes, ids) for ids in ([4, 5, 7], [4, 6], [5])] == [8, 6, 3]
    for ids in ([4, 5], [], [4, 5, 7, 3]):
        with pytest.raises(ValueError, match="no hypothesis of the tree has these tokens"):
            find_end(nodes, ids)


def test_paths_of_a_search_have_the_scores_of_its_hypotheses():
    search = BeamSearch(3, n_best=3, max_length=5, return_tree=True)
    found = arrays_of(run(search, TableModel(3, 9, seed=5)))
    tree = arrays_of(found.tree)
    for row in range(3):
        nodes = read_nodes(BeamTree(*(part[row] for part in tree)))
        for ids, score in zip(found.ids[row].tolist(), found.scores[row], strict=True):
            index, total = find_end(nodes, ids[: ids.index(3)]), 0.0
            while index >= 0:
                total, index = total + nodes[index].score, nodes[index].parent
            assert total == pytest.approx(score, abs=1e-4)
