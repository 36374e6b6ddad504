import math

import keras
import numpy as np
import pytest
from harness import numbers_of, padded_ids, randomize

from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq, TeacherForcing, steps_taken
from keras_seq2seq.models.scheduled_sampling import sample_decoder_inputs

SOURCE_IDS = padded_ids([4, 1, 3, 5], 11, seed=1)
TARGET_IDS = padded_ids([3, 6, 1, 2], 9, seed=2)
BATCH = {"source_ids": SOURCE_IDS, "target_ids": TARGET_IDS}

not_on_jax = pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="training with scheduled sampling is refused"
)


@pytest.mark.parametrize(
    ("decay_type", "expected"),
    [
        ("linear", [1.0, 0.75, 0.2]),
        ("exponential", [1.0, 0.5**0.25, 0.2]),
        ("inverse_sigmoid", [100 / 101, 100 / (100 + math.exp(0.25)), 0.2]),
    ],
)
def test_falls_by_its_formula_to_its_floor(decay_type, expected):
    schedule = TeacherForcing(decay_type, 100, min_probability=0.2)
    found = [float(schedule(step)) for step in (0, 25, 1000)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert TeacherForcing.from_config(schedule.get_config()).get_config() == schedule.get_config()


def test_refuses_an_unknown_decay():
    with pytest.raises(ValueError, match="must be one of linear, exponential, inverse_sigmoid"):
        TeacherForcing("cosine", 100)


def test_whole_numbers_may_be_floats():
    assert TeacherForcing("linear", 1e4).get_config()["decay_steps"] == 10_000


@pytest.mark.parametrize(
    "arguments", [{"decay_steps": 0}, {"decay_steps": 1.5}, {"min_probability": 75}]
)
def test_refuses_arguments_out_of_range(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be"):
        TeacherForcing(**{"decay_type": "linear", "decay_steps": 100, **arguments})


def sample(model, source_ids, target_ids):
    probability = model.teacher_forcing(steps_taken(model.optimizer))
    seed = keras.random.SeedGenerator(1)
    return sample_decoder_inputs(model, source_ids, target_ids, probability, seed)


@pytest.fixture(params=[AttentionSeq2Seq, BasicSeq2Seq])
def model(request):
    return randomize(request.param(11, 9, num_units=4, cell="GRUCell"))


def test_who_is_always_told_reads_the_target(model):
    expected = numbers_of(model(BATCH, training=True))
    model.teacher_forcing = lambda step: 1.0
    np.testing.assert_allclose(numbers_of(model(BATCH, training=True)), expected, atol=1e-6)


def test_who_is_never_told_reads_what_it_finds_likeliest(model):
    model.teacher_forcing = lambda step: 0.0
    found = numbers_of(model(BATCH, training=True))
    # One sentence and one token after the other.
    for row, target in enumerate(TARGET_IDS):
        length = np.count_nonzero(target)
        source = SOURCE_IDS[row : row + 1, : np.count_nonzero(SOURCE_IDS[row])]
        memory, states = model.encode(source)
        read = target[:1]
        for time in range(length):
            logits, _, states = model.decode_step(read, states, memory)
            np.testing.assert_allclose(found[row, time], numbers_of(logits)[0], atol=1e-5)
            read = numbers_of(logits).argmax(axis=-1).astype("int32")
    # Evaluation is told.
    model.teacher_forcing = None
    expected = numbers_of(model(BATCH))
    model.teacher_forcing = lambda step: 0.0
    np.testing.assert_array_equal(numbers_of(model(BATCH)), expected)
    assert np.abs(found - expected).max() > 1e-3


@not_on_jax
def test_tokens_are_told_by_chance_and_by_the_step(model):
    ids = np.full((50, 21), 8, "int32")
    model.compile(keras.optimizers.SGD(0.0), MaskedCrossEntropy())
    # Where a guess is made, it is padding.
    model.output_layer.bias.assign(np.eye(9)[0] * 1e3)
    model.teacher_forcing = TeacherForcing("linear", 4)
    shares = []
    for _ in range(3):
        read = numbers_of(sample(model, ids, ids))
        assert (read[:, 0] == 8).all()
        shares.append((read[:, 1:] == 8).mean())
        model.train_on_batch({"source_ids": ids, "target_ids": ids}, ids)
    np.testing.assert_allclose(shares, [1.0, 0.75, 0.5], atol=0.06)


def test_layers_sample_without_dropout_and_their_losses_count_once():
    calls = []

    class Recorder(keras.layers.Layer):
        def call(self, inputs, training=None):
            calls.append(training)
            self.add_loss(keras.ops.convert_to_tensor(1.0))
            return inputs

    class Bridge(Recorder):
        def call(self, inputs, training=None):
            return [[super().call(inputs, training)]]

    class Encoder(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.recorder = Recorder()

        def call(self, inputs):  # without `training`, which the recorder gets all the same
            outputs = self.recorder(inputs)
            return outputs, keras.ops.max(outputs, axis=1)

    model = AttentionSeq2Seq(11, 9, num_units=4, encoder=Encoder(), bridge=Bridge(), cell="GRUCell")
    model.teacher_forcing = lambda step: 0.5
    calls.clear()
    model(BATCH, training=True)
    assert calls == [False, False, True, True]
    assert numbers_of(model.losses) == [1.0, 1.0]


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="a limit of JAX")
def test_jax_refuses_it_in_one_line():
    model = AttentionSeq2Seq(11, 9, num_units=4)
    model.compile()
    model.teacher_forcing = TeacherForcing("linear", 4)
    for method in (model.fit, model.train_on_batch):
        with pytest.raises(ValueError, match=r"not supported on the jax.*teacher_forcing = None"):
            method(BATCH, TARGET_IDS)


@not_on_jax
def test_gradients_flow_where_they_do_for_the_tokens_that_were_read(model):
    model.compile(keras.optimizers.SGD(0.1), MaskedCrossEntropy(), run_eagerly=True)
    start = model.get_weights()
    model.teacher_forcing = lambda step: 0.0
    read = numbers_of(sample(model, **BATCH))
    model.train_on_batch(BATCH, TARGET_IDS)
    trained = model.get_weights()
    model.set_weights(start)
    model.teacher_forcing = None
    model.compile(keras.optimizers.SGD(0.1), MaskedCrossEntropy(), run_eagerly=True)
    model.train_on_batch({"source_ids": SOURCE_IDS, "target_ids": read}, TARGET_IDS)
    for one, other in zip(model.get_weights(), trained, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_schedule_that_keras_cannot_load_is_not_saved(tmp_path):
    class OwnSchedule(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.5

        def get_config(self):
            return {}

    model = AttentionSeq2Seq(9, 9, num_units=4)
    model.teacher_forcing, model.r_drop = OwnSchedule(), 0.5
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (loaded.teacher_forcing, loaded.r_drop) == (None, 0.5)
    model.teacher_forcing = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.teacher_forcing.get_config() == model.teacher_forcing.get_config()
