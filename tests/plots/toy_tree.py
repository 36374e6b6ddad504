"""A beam search tree that is small enough to be checked by hand."""

import numpy as np

from keras_seq2seq.decoding import BeamTree

TOKENS = ["<pad>", "<unk>", "<s>", "</s>", "a", "man", "dog", "sleeps", "runs"]


def to_tokens(ids):
    return [TOKENS[i] for i in ids]


def toy_tree() -> BeamTree:
    """Returns the tree of a search with two beams.

    a 60 % - man 50 % - sleeps 80 % - end 90 %     0.216, the best
           \\ dog 25 % - end 40 %                   0.06
    man 30 % - end 10 %                            0.03
    """
    with np.errstate(divide="ignore"):
        return BeamTree(
            ids=np.array([[4, 5], [5, 6], [7, 0], [0, 0]]),
            parents=np.array([[0, 0], [0, 0], [0, 1], [0, 0]]),
            token_scores=np.log([[0.6, 0.3], [0.5, 0.25], [0.8, 1], [1, 1]]),
            ends=np.array([[0, 0], [0, 1], [0, 1], [1, 0]], dtype=bool),
            end_scores=np.log([[1, 1], [1, 0.1], [1, 0.4], [0.9, 1]]),
        )
