"""What the tests of the searches share: arguments of both implementations, and comparing them."""

import keras
import numpy as np
import pytest
from decoding.plain_search import PlainSearch
from decoding.table_model import TableModel
from harness import numbers_of
from hypothesis import strategies as st
from keras import ops

from keras_seq2seq.decoding import Hypotheses

SOURCE_LENGTHS = [3, 2, 4]

counts_steps = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only TensorFlow tells how many steps it took"
)


@st.composite
def constrained_models(draw):
    """Draws a model of three sentences, constraints, and a prefix for each sentence."""
    real_tokens = draw(st.integers(1, 5))
    vocabulary_size = 4 + real_tokens
    max_length = draw(st.integers(1, 5))
    constraints = {
        "max_length": max_length,
        "min_length": draw(st.integers(0, max_length + 1)),
        "banned_ids": draw(st.sampled_from([(), (1,), (1, 4), (5,)])),
        "no_repeat_ngram_size": draw(st.integers(0, 3)),
    }
    prefix = st.lists(st.integers(4, vocabulary_size - 1), max_size=3)
    prefixes = draw(st.lists(prefix, min_size=3, max_size=3))
    spread = draw(st.sampled_from([0.3, 1.0, 3.0, 8.0]))
    seed = draw(st.integers(0, 10_000))
    return TableModel(3, vocabulary_size, 4, spread, seed), constraints, prefixes


def run(search, model, prefixes=None, sentences=None, **arguments):
    """Runs a search over all sentences of a `TableModel`, or over some of them."""
    sentences = range(model.batch_size) if sentences is None else sentences
    states, memory = model.start(sentences)
    if prefixes is not None:
        length = max(len(ids) for ids in prefixes)
        prefix = [[*ids, *[0] * (length - len(ids))] for ids in prefixes]
        arguments["prefix"] = ops.convert_to_tensor(np.array(prefix, "int32"))
    lengths = [SOURCE_LENGTHS[sentence] for sentence in sentences]
    arguments = {"source_lengths": lengths, "return_attention_scores": True} | arguments
    arguments["source_lengths"] = ops.convert_to_tensor(arguments["source_lengths"], "int32")
    return search(model.step, states, memory, **arguments)


def plain_searches(model, prefixes, **options):
    """Returns the `PlainSearch` of each sentence."""
    return [
        PlainSearch(model, row, prefix=tuple(prefix), source_length=length, **options)
        for row, (prefix, length) in enumerate(zip(prefixes, SOURCE_LENGTHS, strict=True))
    ]


def arrays_of(parts):
    """Returns `Hypotheses`, or a `BeamTree`, of arrays."""
    return type(parts)(*(None if part is None else numbers_of(part) for part in parts))


def check_hypotheses(found, expected, scores=None):
    """Compares the hypotheses of one sentence with those of a `PlainSearch`, best first.

    Args:
        found: `Hypotheses` of arrays `(n_best, ...)`.
        expected: List of at most `n_best` hypotheses. There must be no more.
        scores: Their scores, by default their log-probabilities.
    """
    number = len(expected)
    if scores is None:
        scores = [hypothesis.log_probability for hypothesis in expected]
    np.testing.assert_allclose(found.scores[:number], scores, atol=1e-4)
    for rank, hypothesis in enumerate(expected):
        padding = [0] * (found.ids.shape[-1] - len(hypothesis.tokens))
        assert found.ids[rank].tolist() == [*hypothesis.tokens, *padding]
        token_scores = [*hypothesis.token_scores, *padding]
        np.testing.assert_allclose(found.token_scores[rank], token_scores, atol=1e-5)
        attention, padding = np.split(found.attention_scores[rank], [len(hypothesis.tokens)])
        np.testing.assert_allclose(attention, hypothesis.attention, atol=1e-6)
        assert not padding.any()
    assert (found.scores[number:] == -np.inf).all()
    assert not found.ids[number:].any()


def row_of(found, row):
    """Returns the hypotheses of one sentence."""
    return Hypotheses(*(None if part is None else part[row] for part in arrays_of(found)[:4]))
