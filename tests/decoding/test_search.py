"""What all searches do, with real models and inside a graph."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from decoding.searching import arrays_of, row_of, run
from decoding.table_model import TableModel
from harness import numbers_of, padded_ids, randomize
from reference import Model

from keras_seq2seq.decoding import BeamSearch, GreedySearch, SamplingSearch
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq

if keras.backend.backend() != "tensorflow":
    pytest.skip("graphs are TensorFlow's", allow_module_level=True)

LENGTHS = [4, 1, 3, 5, 2, 5]
SOURCE_IDS = padded_ids(LENGTHS, 11, seed=1)
MODELS = {
    "attention": lambda: AttentionSeq2Seq(11, 9, num_units=4, cell="GRUCell"),
    "dot, 2 layers": lambda: AttentionSeq2Seq(11, 9, num_units=4, num_layers=2),
    "basic": lambda: BasicSeq2Seq(11, 9, num_units=4),
}
SEARCHES = {
    "greedy": lambda: GreedySearch(max_length=12),
    "beam": lambda: BeamSearch(4, length_penalty=0.6, n_best=3, max_length=12),
    "constrained beam": lambda: BeamSearch(
        3, n_best=2, max_length_ratio=1.0, min_length=3, no_repeat_ngram_size=2, banned_ids=[1]
    ),
    "sampling": lambda: SamplingSearch(n_best=3, top_p=0.9, max_length=12),
}


# Seeds of weights with which sentences differ in length.
SEEDS = {"attention": 76, "dot, 2 layers": 70, "basic": 7}


def make_model(name):
    model = randomize(MODELS[name](), SEEDS[name])
    # The reference knows no bans.
    bias = model.output_layer.bias.numpy()
    bias[[0, 2]] = -50
    model.output_layer.bias.assign(bias)
    return model


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return make_model(request.param)


def decode(model, search, source_ids, **arguments):
    memory, states = model.encode(source_ids)
    lengths = tf.reduce_sum(tf.cast(source_ids != 0, "int32"), axis=-1)
    return search(model.decode_step, states, memory, source_lengths=lengths, **arguments)


@pytest.mark.parametrize("search", SEARCHES)
def test_scores_are_those_of_forced_decoding(model, search):
    search = SEARCHES[search]()
    found = arrays_of(decode(model, search, SOURCE_IDS))
    reference = Model(model)
    for row, source_ids in enumerate(SOURCE_IDS):
        for rank, ids in enumerate(found.ids[row].tolist()):
            ids = ids[: ids.index(3) + 1]
            logits = reference.logits(source_ids, [2, *ids[:-1]])
            logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
            expected = logits[np.arange(len(ids)), ids]
            token_scores = found.token_scores[row, rank, : len(ids)]
            np.testing.assert_allclose(token_scores, expected, atol=1e-4)
            weight = getattr(search, "length_penalty", 0.0)
            expected = expected.sum() / ((5 + len(ids)) / 6) ** weight
            np.testing.assert_allclose(found.scores[row, rank], expected, atol=1e-4)


def test_greedy_agrees_with_the_reference(model):
    found = decode(model, GreedySearch(max_length=12), SOURCE_IDS, return_attention_scores=True)
    found = arrays_of(found)
    assert len(set(np.count_nonzero(found.ids, axis=-1).ravel())) > 2
    for row, source_ids in enumerate(SOURCE_IDS):
        expected, attention = Model(model).greedy(source_ids, max_length=11)
        if expected[-1] != 3:
            expected.append(3)
        assert found.ids[row, 0, : len(expected)].tolist() == expected
        if found.attention_scores is not None:
            for time, weights in enumerate(attention):
                found_weights = found.attention_scores[row, 0, time]
                np.testing.assert_allclose(found_weights[: len(weights)], weights, atol=1e-5)
                assert not found_weights[len(weights) :].any()


@pytest.mark.parametrize("search", ["greedy", "beam", "constrained beam"])
def test_a_batch_gives_what_each_sentence_gives_alone(model, search):
    search = SEARCHES[search]()
    together = decode(model, search, SOURCE_IDS, return_attention_scores=True)
    for row, length in enumerate(LENGTHS):
        source_ids = SOURCE_IDS[[row], :length]
        alone = row_of(decode(model, search, source_ids, return_attention_scores=True), 0)
        found = row_of(together, row)
        steps = alone.ids.shape[-1]
        np.testing.assert_array_equal(found.ids[:, :steps], alone.ids)
        assert not found.ids[:, steps:].any()
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-5)
        np.testing.assert_allclose(found.token_scores[:, :steps], alone.token_scores, atol=1e-5)
        if found.attention_scores is not None:
            found_attention = found.attention_scores[:, :steps, :length]
            np.testing.assert_allclose(found_attention, alone.attention_scores, atol=1e-5)


@pytest.mark.parametrize("search", SEARCHES)
def test_one_trace_for_all_shapes(search):
    model = MODELS["attention"]()
    search = SEARCHES[search]()
    traces = []

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([], tf.int32),
        ]
    )
    def decode_batch(source_ids, prefix, max_length):
        traces.append(source_ids.shape)
        return decode(
            model,
            search,
            source_ids,
            prefix=prefix,
            max_length=max_length,
            return_attention_scores=True,
        )

    prefix = padded_ids([2, 0, 1, 3, 0, 0], 9)
    for rows, columns, prefix_length, max_length in ((6, 5, 3, 12), (1, 1, 0, 3), (4, 5, 1, 1)):
        source_ids = SOURCE_IDS[:rows, :columns]
        found = arrays_of(decode_batch(source_ids, prefix[:rows, :prefix_length], max_length))
        arguments = {"prefix": prefix[:rows, :prefix_length], "max_length": max_length}
        eager = arrays_of(decode(model, search, source_ids, **arguments))
        np.testing.assert_array_equal(found.ids, eager.ids)
        np.testing.assert_allclose(found.scores, eager.scores, atol=1e-5)
        assert found.ids.shape[-1] <= max_length
        assert found.attention_scores.shape == (*found.ids.shape, columns)
    assert len(traces) == 1


@pytest.mark.parametrize("search", ["greedy", "beam"])
def test_known_shapes(search):
    """A batch whose size is known when the graph is made becomes smaller all the same."""
    model = MODELS["attention"]()
    search = SEARCHES[search]()
    found = arrays_of(tf.function(lambda: decode(model, search, tf.constant(SOURCE_IDS)))())
    eager = arrays_of(decode(model, search, SOURCE_IDS))
    np.testing.assert_array_equal(found.ids, eager.ids)


def count_rows(model, search, **arguments):
    """Returns what is found for 64 sources, and the number of rows of each step."""
    sizes = []

    def step(ids, states, memory):
        sizes.append(len(ids))
        return model.step(ids, states, memory)

    states, memory = model.start()
    return search(step, states, memory, source_lengths=tf.constant([4] * 64), **arguments), sizes


@pytest.mark.parametrize("search", SEARCHES)
def test_drops_sentences_that_have_ended(search):
    model = TableModel(64, 8, spread=0.5)
    model.logits[:63, :, 3] = 20.0
    model.logits[63, :, 3] = -20.0
    _, sizes = count_rows(model, SEARCHES[search]())
    assert len(sizes) > 10
    # The one that goes on, filled up to sixteen.
    assert sizes[-1] * 4 <= max(sizes)


def check_who_waits(model, search, *numbers_of_slots):
    source_ids = np.concatenate([SOURCE_IDS, SOURCE_IDS[::-1]])
    prefix = padded_ids([2, 0, 1, 3, 0, 0, 0, 1, 0, 0, 5, 0], 9)
    arguments = {"prefix": prefix, "return_attention_scores": True}
    together = arrays_of(decode(model, search, source_ids, **arguments))
    assert len(set(np.count_nonzero(together.ids, axis=-1).ravel())) > 2
    for num_slots in numbers_of_slots:
        found = decode(model, search, source_ids, num_slots=num_slots, **arguments)
        found = arrays_of(found)
        np.testing.assert_array_equal(found.ids, together.ids)
        np.testing.assert_allclose(found.scores, together.scores, atol=1e-5)
        np.testing.assert_allclose(found.token_scores, together.token_scores, atol=1e-5)
        if found.attention_scores is not None:
            np.testing.assert_allclose(found.attention_scores, together.attention_scores, atol=1e-5)


@pytest.mark.parametrize("search", SEARCHES)
def test_what_is_found_does_not_depend_on_who_waits(model, search):
    check_who_waits(model, SEARCHES[search](), 5)


@pytest.mark.parametrize("search", SEARCHES)
def test_any_number_may_wait(search):
    model = make_model("dot, 2 layers")
    check_who_waits(model, SEARCHES[search](), 1, 4, 100)


def test_a_tree_does_not_depend_on_who_waits(model):
    search = BeamSearch(3, max_length=12, return_tree=True)
    together = arrays_of(decode(model, search, SOURCE_IDS)).tree
    found = arrays_of(decode(model, search, SOURCE_IDS, num_slots=2)).tree
    np.testing.assert_array_equal(found.ids, together.ids)
    np.testing.assert_array_equal(found.ends, together.ends)
    live = found.ids > 0
    np.testing.assert_array_equal(found.parents[live], together.parents[live])
    np.testing.assert_allclose(found.token_scores[live], together.token_scores[live], atol=1e-5)


@pytest.mark.parametrize("search", ["greedy", "beam", "constrained beam"])
def test_others_take_the_places_of_sentences_that_have_ended(search):
    """All but one of each four sentences end at once, the last is as long as it may be."""
    model = TableModel(64, 8, spread=0.5)
    model.logits[:, :, 3] = 20.0
    model.logits[3::4, :, 3] = -20.0
    found, sizes = count_rows(model, SEARCHES[search](), num_slots=16)
    lengths = np.count_nonzero(numbers_of(found.ids)[:, 0], axis=-1)
    assert max(lengths[3::4]) > 10 > 4 >= max(lengths[:3])
    # All begin; then sixteen go on at a time, almost always: as many as it takes for all tokens.
    assert sizes[0] == 64 and max(sizes[1:]) == 16
    assert len(sizes) <= np.sum(lengths) / 16 + 2 * max(lengths)


def test_attention_is_left_out_unless_asked_for():
    model = TableModel(3, 8)
    for search in SEARCHES.values():
        assert run(search(), model, return_attention_scores=False).attention_scores is None


@pytest.mark.parametrize("search", sorted(SEARCHES))
def test_scores_can_be_left_out(search):
    model = TableModel(3, 8)
    told = run(SEARCHES[search](), model)
    untold = run(SEARCHES[search](), model, return_scores=False)
    assert untold.scores is untold.token_scores is None
    np.testing.assert_array_equal(numbers_of(untold.ids), numbers_of(told.ids))


def test_a_step_that_goes_wrong_ends_too():
    """Not a number is neither above nor below any bound."""
    model = TableModel(3, 8)
    model.logits[:] = np.nan
    for search in SEARCHES.values():
        assert run(search(), model).ids.shape[-1] <= 14


def test_the_argument_rows_at_once_of_version_0_1_still_works():
    model = MODELS["attention"]()
    search = GreedySearch(max_length=5)
    with pytest.warns(DeprecationWarning, match="use num_slots"):
        old = decode(model, search, SOURCE_IDS, rows_at_once=2)
    new = decode(model, search, SOURCE_IDS, num_slots=2)
    np.testing.assert_array_equal(numbers_of(old.ids), numbers_of(new.ids))
