"""A batch in parts gives what the whole batch gives."""

import keras
import numpy as np
import pytest
from harness import numbers_of

from keras_seq2seq import AttentionSeq2Seq, BasicSeq2Seq, MaskedCrossEntropy
from keras_seq2seq.backend import split_into_micro_batches
from keras_seq2seq.tensorflow_settings import count_cores

tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("needs the TensorFlow backend", allow_module_level=True)


RNG = np.random.default_rng(0)


@pytest.fixture
def set_threads(monkeypatch):
    def set_them(operations_at_once, threads_of_each):
        monkeypatch.setenv("TF_NUM_INTEROP_THREADS", operations_at_once)
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", threads_of_each)

    return set_them


@pytest.mark.parametrize(
    ("operations_at_once", "threads_of_each", "parts"),
    [("3", "1", 3), ("4", "2", 2), ("2", "2", 1), ("1", "8", 1), ("0", "0", 1)],
)
def test_as_many_parts_as_run_at_once(set_threads, operations_at_once, threads_of_each, parts):
    set_threads(operations_at_once, threads_of_each)
    batch = {"ids": np.arange(14).reshape(7, 2), "mask": np.arange(7)}
    found = split_into_micro_batches(batch)
    assert len(found) == parts
    for name, values in batch.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in found]), values)
    sizes = [len(part["ids"]) for part in found]
    assert max(sizes) - min(sizes) <= 1


def test_one_thread_for_each_operation_makes_a_part_for_each_core(monkeypatch):
    monkeypatch.delenv("TF_NUM_INTEROP_THREADS", raising=False)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    assert len(split_into_micro_batches(np.zeros((64, 2)))) == count_cores()


class RegularizedEncoder(keras.layers.GRU):
    """An encoder that adds losses: means over the rows that it sees."""

    def __init__(self, units):
        super().__init__(units, return_sequences=True, return_state=True, activity_regularizer="l2")

    def call(self, sequences, initial_state=None, mask=None, training=False):
        outputs, state = super().call(sequences, initial_state, mask, training)
        self.add_loss(keras.ops.mean(state**2))
        return outputs, state


def make_batch(size):
    source = RNG.integers(4, 9, (size, 6)).astype("int32")
    target = RNG.integers(4, 11, (size, 5)).astype("int32")
    for row in range(size):
        source[row, 1 + row % 6 :] = 0
        target[row, 1 + row % 5 :] = 0
    return {"source_ids": source, "target_ids": target}, target


def make_step(model):
    """Returns a graph for batches of any size, with the micro-batches of the threads set now."""
    ids = tf.TensorSpec([None, None], "int32")

    @tf.function(input_signature=[{"source_ids": ids, "target_ids": ids}, ids], autograph=False)
    def step(x, y):
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = model.compute_loss(x, y, logits)
        gradients = tape.gradient(loss, model.trainable_weights)
        return logits, loss, [tf.convert_to_tensor(gradient) for gradient in gradients]

    step.get_concrete_function()
    return step


@pytest.mark.parametrize(
    ("model_class", "options"),
    [
        (AttentionSeq2Seq, {}),
        (AttentionSeq2Seq, {"tie_output": True, "share_embeddings": True}),
        (BasicSeq2Seq, {"cell": "GRUCell"}),
        (BasicSeq2Seq, {"encoder": RegularizedEncoder}),
    ],
)
def test_logits_loss_and_gradients_are_those_of_the_whole(set_threads, model_class, options):
    vocabularies = (11, 11) if options.get("share_embeddings") else (9, 11)
    if "encoder" in options:
        options = {"encoder": options["encoder"](4), "cell": "GRUCell"}
    model = model_class(*vocabularies, num_units=4, **options)
    model.compile(loss=MaskedCrossEntropy(label_smoothing=0.1))
    set_threads("1", "1")
    whole = make_step(model)
    set_threads("3", "1")
    in_parts = make_step(model)
    for size in (1, 2, 7):
        batch = make_batch(size)
        keras.tree.map_structure(
            lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6),
            numbers_of(in_parts(*batch)),
            numbers_of(whole(*batch)),
        )


def test_parts_are_dropped_out_unlike_one_another(set_threads):
    set_threads("2", "1")
    model = AttentionSeq2Seq(9, 11, num_units=8, dropout=0.5)
    x, _ = make_batch(3)
    x = {name: np.concatenate([ids[:1], ids[:1]]) for name, ids in x.items()}
    first, second = numbers_of(model(x, training=True))
    assert not np.allclose(first, second)
