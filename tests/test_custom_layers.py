"""The examples of docs/custom_layers.md: they run, decode consistently and survive saving."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from harness import numbers_of

from keras_seq2seq import AttentionSeq2Seq, BeamSearch, GreedySearch
from keras_seq2seq.layers import Attention

PAGE = Path(__file__).parents[1] / "docs" / "custom_layers.md"
SOURCE_IDS = np.array([[5, 6, 7, 3], [8, 9, 3, 0]])
TARGET_IDS = np.array([[2, 7, 6, 5], [2, 9, 8, 4]])
BATCH = {"source_ids": SOURCE_IDS, "target_ids": TARGET_IDS}


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What the blocks of the page define, run one after the other as a reader would."""
    blocks = re.findall("^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 8
    names = {"__name__": "custom_layers"}
    directory = tmp_path_factory.mktemp("custom_layers")
    code = "\n".join(blocks).replace('"model.keras"', repr(str(directory / "model.keras")))
    exec(compile(code, str(PAGE), "exec"), names)
    return names


@pytest.fixture(
    params=["lstm", "bidirectional", "convolution", "pooling", "location", "keras_cell", "elman"]
)
def model(request, names):
    keras.utils.set_random_seed(1)
    embedded = keras.Input(shape=(None, 16))
    rnn = {"return_sequences": True, "return_state": True}
    arguments = {
        "lstm": {"encoder": keras.layers.LSTM(16, **rnn)},
        "bidirectional": {"encoder": keras.layers.Bidirectional(keras.layers.GRU(8, **rnn))},
        "convolution": {"encoder": names["ConvolutionalEncoder"](24)},
        "pooling": {"encoder": keras.Model(embedded, [embedded, keras.ops.max(embedded, axis=1)])},
        "location": {"attention": names["LocationAwareAttention"](12)},
        "keras_cell": {"cell": keras.layers.GRUCell(16), "num_layers": 2},
        "elman": {"cell": names["ElmanCell"](16)},
    }
    return AttentionSeq2Seq(10, 10, num_units=16, **arguments[request.param])


def test_the_page_trains_and_decodes(names):
    assert numbers_of(names["ids"]).shape[:2] == (2, 1)
    expected = numbers_of(names["model"](BATCH))
    np.testing.assert_allclose(numbers_of(names["again"](BATCH)), expected, atol=1e-6)


def test_steps_agree_with_the_whole_target(model):
    logits = numbers_of(model(BATCH))
    memory, states = model.encode(SOURCE_IDS)
    for time in range(TARGET_IDS.shape[1]):
        step_logits, _, states = model.decode_step(TARGET_IDS[:, time], states, memory)
        np.testing.assert_allclose(numbers_of(step_logits), logits[:, time], atol=1e-5)


@pytest.mark.parametrize("model", ["location"], indirect=True)
def test_steps_with_projected_values_agree_with_the_whole_target(model):
    """As exported models compute them, if the attention averages the values."""
    assert model.decoder.attention.averages_values
    logits = numbers_of(model(BATCH))
    memory, states = model.encode(SOURCE_IDS, project_values=True)
    for time in range(TARGET_IDS.shape[1]):
        step_logits, _, states = model.decode_step(TARGET_IDS[:, time], states, memory)
        np.testing.assert_allclose(numbers_of(step_logits), logits[:, time], atol=1e-5)


def test_a_beam_of_one_is_greedy_and_hypotheses_do_not_mix(model):
    memory, states = model.encode(SOURCE_IDS)
    options = {"max_length": 5, "min_length": 5}
    greedy = numbers_of(GreedySearch(**options)(model.decode_step, states, memory).ids)
    one = numbers_of(BeamSearch(width=1, **options)(model.decode_step, states, memory).ids)
    np.testing.assert_array_equal(one, greedy)
    # Each hypothesis of a wide beam has the score that the model gives its tokens on its own.
    beam = BeamSearch(width=3, n_best=3, **options)(model.decode_step, states, memory)
    ids, scores = numbers_of(beam.ids), numbers_of(beam.scores)
    for rank in range(3):
        read = np.concatenate([np.full((2, 1), 2), ids[:, rank, :-1]], axis=1)
        logits = numbers_of(model({"source_ids": SOURCE_IDS, "target_ids": read}))
        log_probabilities = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        picked = np.take_along_axis(log_probabilities, ids[:, rank, :, None], axis=-1)
        np.testing.assert_allclose(scores[:, rank], picked.sum(axis=(1, 2)), atol=1e-4)


def test_padding_changes_nothing(model, request):
    if request.node.callspec.params["model"] == "pooling":
        return  # The example says that its maximum includes padding.
    padded = {**BATCH, "source_ids": np.pad(SOURCE_IDS, [[0, 0], [0, 3]])}
    np.testing.assert_allclose(numbers_of(model(padded)), numbers_of(model(BATCH)), atol=1e-5)


def test_a_saved_model_is_the_same(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(numbers_of(again(BATCH)), numbers_of(model(BATCH)), atol=1e-6)


def mean_encoder(supports_masking):
    """A functional model whose state depends on the mask: the mean over real tokens."""
    embedded = keras.Input(shape=(None, 16))
    encoder = keras.Model(embedded, [embedded, keras.layers.GlobalAveragePooling1D()(embedded)])
    encoder.supports_masking = supports_masking
    return encoder


@pytest.mark.parametrize("supports_masking", [True, False])
def test_a_functional_encoder_gets_the_mask_if_it_did_before_saving(supports_masking, tmp_path):
    model = AttentionSeq2Seq(10, 10, num_units=16, encoder=mean_encoder(supports_masking))
    model.save(tmp_path / "model.keras")
    padded = {**BATCH, "source_ids": np.pad(SOURCE_IDS, [[0, 0], [0, 3]])}
    expected = numbers_of(model(padded))
    depends_on_padding = np.abs(expected - numbers_of(model(BATCH))).max() > 1e-3
    assert depends_on_padding != supports_masking
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(numbers_of(again(padded)), expected, atol=1e-6)
    # Files of earlier versions do not contain it.
    config = model.get_config()
    del config["encoder_supports_masking"]
    assert not type(model).from_config(config).encoder.supports_masking


@pytest.mark.filterwarnings("ignore:Layer 'mean_encoder'")
def test_a_subclassed_model_gets_the_mask():
    class MeanEncoder(keras.Model):
        def call(self, inputs, mask=None):
            real = keras.ops.cast(keras.ops.expand_dims(mask, -1), inputs.dtype)
            return inputs, keras.ops.sum(inputs * real, 1) / keras.ops.sum(real, 1)

    model = AttentionSeq2Seq(10, 10, num_units=16, encoder=MeanEncoder())
    padded = {**BATCH, "source_ids": np.pad(SOURCE_IDS, [[0, 0], [0, 3]])}
    np.testing.assert_allclose(numbers_of(model(padded)), numbers_of(model(BATCH)), atol=1e-5)


def test_a_keras_cell_computes_what_keras_computes():
    keras.utils.set_random_seed(1)
    inputs = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    from keras_seq2seq import UnidirectionalEncoder

    encoder = UnidirectionalEncoder(cell=keras.layers.LSTMCell(5))
    outputs, [[output, hidden, cell]] = numbers_of(encoder(inputs))
    layer = keras.layers.RNN(keras.layers.LSTMCell(5), return_sequences=True, return_state=True)
    layer.build(inputs.shape)
    layer.set_weights(encoder.get_weights())
    expected, expected_hidden, expected_cell = numbers_of(layer(inputs))
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose([output, hidden], [expected_hidden] * 2, atol=1e-6)
    np.testing.assert_allclose(cell, expected_cell, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell": keras.layers.GRUCell(4), "num_units": 5}, "different sizes"),
        ({"cell": keras.layers.GRUCell(4, dropout=0.1)}, "`dropout` of a Keras cell"),
        ({"cell": keras.layers.Dense(4)}, "must be a Keras cell"),
        ({"attention": keras.layers.Dense(4)}, "must be a subclass of"),
        ({"encoder": keras.layers.GRU(4, return_sequences=True)}, "outputs and a state"),
        ({"encoder": "BidirectionalEncodr"}, "did you mean 'BidirectionalEncoder'"),
        ({"bridge": 3}, "`bridge` must be one of zero, pass_through, dense"),
    ],
)
def test_refuses_what_does_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        AttentionSeq2Seq(10, 10, **arguments)


def test_refuses_options_without_effect():
    whole = AttentionSeq2Seq(10, 10, num_units=4)
    with pytest.raises(ValueError, match="`dropout` has no effect"):
        AttentionSeq2Seq(10, 10, encoder=whole.encoder, decoder=whole.decoder, dropout=0.1)
    with pytest.raises(ValueError, match="`attention` has no effect"):
        AttentionSeq2Seq(10, 10, decoder=whole.decoder, attention="dot")


def test_refuses_unknown_arguments_with_a_suggestion():
    with pytest.raises(TypeError, match="'dropuot'; did you mean 'dropout'"):
        AttentionSeq2Seq(10, 10, dropuot=0.1)
    with pytest.raises(TypeError, match="'units'; did you mean 'num_units'"):
        AttentionSeq2Seq(10, 10, units=8)


def test_the_arguments_of_version_0_1_still_work():
    with pytest.warns(DeprecationWarning, match="cell_type: deprecated"):
        old = AttentionSeq2Seq(10, 10, num_units=4, cell_type="GRUCell")
    new = AttentionSeq2Seq(10, 10, num_units=4, cell="GRUCell")
    assert [weight.shape for weight in old.weights] == [weight.shape for weight in new.weights]


def test_an_attention_without_the_mask_in_its_memory_is_an_error():
    class Mean(Attention):
        def project_memory(self, values, mask):
            return {"values": values}

        def attend(self, query, memory, state):
            values = memory["values"]
            weights = keras.ops.softmax(keras.ops.zeros_like(values[..., 0]))
            return keras.ops.mean(values, axis=1), weights, state

    with pytest.raises(ValueError, match="`Mean.project_memory` must .* 'mask'.*: \\['values'\\]"):
        AttentionSeq2Seq(10, 10, num_units=4, attention=Mean())(BATCH)
    Mean.initial_weights = lambda self, memory: keras.ops.zeros_like(memory["values"][..., 0])
    model = AttentionSeq2Seq(10, 10, num_units=4, attention=Mean())
    assert model(BATCH).shape == (2, 4, 10)
    model.generate(SOURCE_IDS, "beam", max_length=3)
