"""Weights that no longer change, as constants of a graph."""

import keras
import numpy as np
import pytest
from harness.toy_model import make_toy_model

from keras_seq2seq import backend
from keras_seq2seq.decoding import BeamSearch, GreedySearch, SamplingSearch
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq, Ensemble
from keras_seq2seq.special_tokens import END_ID, PADDING_ID, START_ID

if keras.backend.backend() != "tensorflow":
    pytest.skip("other backends have nothing of the kind", allow_module_level=True)

import tensorflow as tf

from keras_seq2seq.backend.tensorflow import tracing

TOKENS = tuple(f"word{number}" for number in range(1500))  # enough to be filled up
SOURCE_IDS = np.array([[4, 5, 6, 3], [7, 8, 3, 0], [5, 3, 0, 0]], "int32")
SEARCHES = {
    "greedy": lambda: GreedySearch(max_length=10, banned_ids=[PADDING_ID, START_ID]),
    "beam": lambda: BeamSearch(4, max_length=10),
    "sampling": lambda: SamplingSearch(n_best=2, seed=7, max_length=10),
    "nucleus": lambda: SamplingSearch(top_p=0.9, seed=7, max_length=10),
}


def make_model(seed=1, **options):
    return make_toy_model(seed, tokens=TOKENS, **{"dtype": "bfloat16", **options})


def traced(model, search):
    """Returns a search as a graph with fixed weights."""

    @tf.function(autograph=False)
    def run():
        with backend.frozen_weights():
            memory, states = model.encode(tf.constant(SOURCE_IDS))
            return search(model.decode_step, states, memory)

    return run


def token_scores(model, ids):
    """Returns the log-probabilities of all tokens where those of `ids` `(batch, time)` are."""
    before = np.concatenate([np.full_like(ids[:, :1], START_ID), ids[:, :-1]], axis=1)
    logits = np.array(model({"source_ids": SOURCE_IDS, "target_ids": before}), "float64")
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def shapes_of_constant_kernels(function):
    """Returns the shapes of the constants in the products of a graph, its loops' included."""
    graph = function.get_concrete_function().graph.as_graph_def()
    shapes = []
    for nodes in [graph.node, *(part.node_def for part in graph.library.function)]:
        values = {
            node.name: tuple(tf.make_ndarray(node.attr["value"].tensor).shape)
            for node in nodes
            if node.op == "Const"
        }
        kernels = (node.input[1].split(":")[0] for node in nodes if node.op == "MatMul")
        shapes += [values[name] for name in kernels if name in values]
    return shapes


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_logits_have_minus_infinity_beyond_the_vocabulary(dtype):
    random = np.random.default_rng(0)
    features = random.integers(-4, 5, size=(2, 3, 8)).astype("float32")
    kernel = random.integers(-4, 5, size=(8, 1100)).astype("float32")
    bias = random.integers(-4, 5, size=1100).astype("float32")
    weights = tf.Variable(tf.constant(kernel, dtype)), tf.Variable(bias)
    asked = []

    def tensors():
        asked.append(tf.executing_eagerly())
        return map(tf.convert_to_tensor, weights)

    @tf.function(autograph=False)
    def compute():
        with backend.frozen_weights():
            narrow = tf.constant(features, dtype)
            return backend.make_logits(narrow, tensors), backend.make_logits(narrow, tensors)

    logits, again = compute()
    np.testing.assert_array_equal(again, logits)
    # Outside of the graph; as tensors once, as constants each time.
    assert asked == ([True] if dtype == "float32" else [True, True])
    assert logits.dtype == "float32"
    assert logits.shape == (2, 3, 1152)
    # Whole numbers up to 256 are exact.
    np.testing.assert_array_equal(logits[..., :1100], features @ kernel + bias)
    np.testing.assert_array_equal(logits[..., 1100:], -np.inf)


@pytest.mark.parametrize("are_fixed", [False, True])
def test_a_product_and_its_bias(are_fixed):
    features = np.array([[[1.0, 2.0], [3.0, -4.0]]], "float32")
    kernel, bias = tf.Variable([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]]), tf.Variable([0.5, -1.0, 2.0])

    @tf.function(autograph=False)
    def compute():
        narrow = tf.constant(features, "bfloat16")
        if not are_fixed:
            return backend.dense(narrow, kernel, bias, "float32")
        with backend.frozen_weights():
            return backend.dense(narrow, kernel, bias, "float32")

    result = compute()
    assert result.dtype == "float32"
    np.testing.assert_array_equal(result, [[[11.5, 13, 19], [-16.5, -19, -17]]])
    assert shapes_of_constant_kernels(compute) == ([(2, 3)] if are_fixed else [])


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_a_product_without_bias(dtype):
    features, kernel = np.array([[1.0, 2.0], [3.0, -4.0]]), np.array([[1.0, 2, 4], [5, 6, 3]])
    weights = keras.Variable(kernel, dtype=dtype)

    @tf.function(autograph=False)
    def compute():
        with backend.frozen_weights():
            return backend.matmul(tf.constant(features, dtype), weights)

    found = compute()
    assert found.dtype == dtype
    # (3, -4) (4, 3) is zero, or all but that.
    np.testing.assert_allclose(tf.cast(found, "float32"), features @ kernel, atol=1e-30)
    assert shapes_of_constant_kernels(compute) == ([(2, 3)] if dtype == "bfloat16" else [])


@pytest.mark.parametrize(
    ("search", "ensemble"),
    [("beam", False), ("nucleus", False), ("greedy", True), ("sampling", True)],
)
def test_tokens_have_the_scores_that_the_model_gives_them(search, ensemble):
    model = Ensemble([make_model(1), make_model(2)]) if ensemble else make_model()
    found = traced(model, SEARCHES[search]())()
    ids = found.ids.numpy()[:, 0]
    is_real = ids != PADDING_ID
    assert ids.max() < 1504
    expected = token_scores(model, ids)
    of_ids = np.take_along_axis(expected, ids[..., np.newaxis], axis=-1)[..., 0]
    scores = found.token_scores.numpy()[:, 0]
    np.testing.assert_allclose(scores[is_real], of_ids[is_real], atol=0.2)
    if search == "greedy":
        expected[..., [PADDING_ID, START_ID]] = -np.inf
        is_free = is_real & (np.arange(ids.shape[1]) < 9)  # the tenth has to be the end
        assert np.all(of_ids[is_free] > expected.max(-1)[is_free] - 0.2)
        assert set(ids[:, 9:].ravel()) <= {PADDING_ID, END_ID}


@pytest.mark.parametrize(
    ("model_class", "options"),
    [
        (AttentionSeq2Seq, {"num_layers": 2, "cell": "LSTMCell"}),
        (BasicSeq2Seq, {"tie_output": True}),
    ],
    ids=str,
)
def test_other_models_too(model_class, options):
    model = make_model(model_class=model_class, **options)
    found = traced(model, SEARCHES["greedy"]())()
    ids = found.ids.numpy()[:, 0]
    of_ids = np.take_along_axis(token_scores(model, ids), ids[..., np.newaxis], axis=-1)[..., 0]
    is_real = ids != PADDING_ID
    np.testing.assert_allclose(found.token_scores[:, 0][is_real], of_ids[is_real], atol=0.2)


def test_kernels_of_the_loop_are_constants():
    model = make_model()
    shapes = shapes_of_constant_kernels(traced(model, SEARCHES["greedy"]()))
    # Before the loop and in it: the output layer, filled up from 1504 columns, and others.
    assert shapes.count((6, 1536)) == 2
    assert shapes.count(tuple(model.decoder.output_kernel.shape)) == 2
    assert shapes.count(tuple(model.decoder.context_kernel.shape)) == 2
    # The recurrent kernel, but no input kernel of encoder or decoder, whose products have been
    # taken for all tokens.
    recurrent = model.decoder.cells.cells[0].recurrent_kernel.shape
    assert recurrent == model.decoder.cells.cells[0].kernel.shape
    assert recurrent == model.encoder.forward_layers[0].cell.kernel.shape
    assert shapes.count(tuple(recurrent)) == 2


def test_in_float32_no_weight_is_a_constant():
    model = make_model(dtype="float32")
    assert shapes_of_constant_kernels(traced(model, SEARCHES["greedy"]())) == []


@pytest.mark.parametrize("most_bytes", [2**20, 0], ids=["table", "no table"])
def test_a_function_of_ids_is_computed_once_for_all_of_them(monkeypatch, most_bytes):
    monkeypatch.setattr(tracing, "MAX_TABLE_BYTES", most_bytes)
    weights = tf.Variable(np.arange(20.0, dtype="float32").reshape(10, 2))
    counts = []

    def square(ids):
        counts.append(ids.shape[0])
        rows = tf.gather(weights, ids)
        return {"square": rows**2, "first": rows[..., :1]}

    @tf.function(autograph=False)
    def compute(ids):
        with backend.frozen_weights():
            return backend.lookup_or_compute(square, ids, 10), backend.lookup_or_compute(
                square, ids[1:], 10
            )

    ids = tf.constant([[3, 9], [0, 3], [5, 3]])
    both, last_two = compute(ids)
    expected = np.arange(20.0).reshape(10, 2)[ids.numpy()]
    np.testing.assert_array_equal(both["square"], expected**2)
    np.testing.assert_array_equal(both["first"], expected[..., :1])
    np.testing.assert_array_equal(last_two["square"], expected[1:] ** 2)
    # One row tells how large the table would be.
    assert counts == ([1, 10] if most_bytes else [1, 3, 2])


@pytest.mark.parametrize(("search", "cell_type"), [("beam", "GRUCell"), ("greedy", "LSTMCell")])
def test_fixed_weights_give_the_same_in_float32(search, cell_type):
    model = make_model(dtype="float32", cell=cell_type, num_layers=2)
    memory, states = model.encode(tf.constant(SOURCE_IDS))
    expected = SEARCHES[search]()(model.decode_step, states, memory)
    found = traced(model, SEARCHES[search]())()
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5)


def test_what_is_too_large_is_no_constant(monkeypatch):
    expected = traced(make_model(), SEARCHES["beam"]())()
    monkeypatch.setattr(tracing, "MAX_BYTES", 1000)
    run = traced(make_model(), SEARCHES["beam"]())
    found = run()
    assert all(np.prod(shape) * 2 < 1000 for shape in shapes_of_constant_kernels(run))
    np.testing.assert_allclose(found.scores, expected.scores, atol=0.3)


def test_weights_that_change_nevertheless_change_nothing():
    model = make_model()
    run = traced(model, SEARCHES["greedy"]())
    before = run()
    model.output_layer.kernel.assign(-model.output_layer.kernel)
    np.testing.assert_array_equal(run().ids, before.ids)
    again = traced(model, SEARCHES["greedy"]())()
    assert not np.array_equal(again.ids[:, 0, :1], before.ids[:, 0, :1])


@pytest.mark.parametrize("search", SEARCHES)
def test_weights_that_are_no_numbers_still_end(search):
    model = make_model()
    model.output_layer.bias.assign(np.full(1504, np.nan))
    ids = traced(model, SEARCHES[search]())().ids.numpy()
    assert ids.shape[-1] <= 10
    assert ids.max() < 1504
