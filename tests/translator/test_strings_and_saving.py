"""A translator on single strings, as a scorer, and written to a model directory."""

import keras
import numpy as np
import pandas
import pytest
from harness.toy_model import SOURCE_TOKENS, SOURCES, TARGET_TOKENS, make_toy_model

from keras_seq2seq import (
    BeamSearch,
    GreedySearch,
    SamplingSearch,
    Scorer,
    Translator,
    UnkReplacement,
    Vocabulary,
)
from keras_seq2seq.errors import UserError
from keras_seq2seq.layers import AttentionDecoder, BidirectionalEncoder, UnidirectionalEncoder
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.text import TextEncoder
from keras_seq2seq.training.averaging import average_checkpoints
from keras_seq2seq.training.initial_weights import start_from


@keras.saving.register_keras_serializable("tests")
class DoublingEncoder(UnidirectionalEncoder):
    """A custom encoder that no option describes."""

    def call(self, inputs, mask=None, training=False):
        outputs, state = super().call(inputs, mask=mask, training=training)
        return 2 * outputs, state


def make_translator(search=None, **options):
    source = TextEncoder(Vocabulary(SOURCE_TOKENS), max_length=11, reverse=True)
    model = make_toy_model(**options)
    return Translator(model, source, Vocabulary(TARGET_TOKENS), search=search)


@pytest.fixture(scope="module")
def translator():
    return make_translator(GreedySearch(max_length=8))


def test_a_single_string_has_a_single_result(translator):
    (expected,) = translator(SOURCES[:1])
    assert translator(SOURCES[0]) == expected
    assert translator.translate(SOURCES[0]).text == expected
    prefixed = translator.translate(SOURCES[0], prefixes="dog")
    assert prefixed.target_tokens[0] == "dog"


def test_scores_like_a_scorer(translator):
    scorer = Scorer.from_translator(translator)
    expected = scorer(SOURCES[:2], ["a man", "dog"])
    assert translator.score(SOURCES[:2], ["a man", "dog"]) == expected
    assert translator.score(SOURCES[1], "dog").tokens == ["dog", "</s>"]


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        (None, "`sentences` must be an iterable of strings. Received: None"),
        (3, "`sentences` must be an iterable of strings. Received: 3"),
        (b"hund", "`sentences` must be an iterable of strings. Received: b'hund'"),
        (["hund", None], "Received: None as number 2"),
        ([1.5], "Received: 1.5 as number 1"),
        ([b"hund"], "decode bytes first. Received: b'hund' as number 1"),
        (np.array("hund"), r"`sentences` must be an iterable of strings. Received: array\('hund'"),
        ({"de": ["hund"]}, "such as one column of a table. Received: a dict"),
        (pandas.DataFrame({"de": ["hund"]}), "one column of a table. Received: a DataFrame"),
    ],
)
def test_anything_but_strings_is_an_error(translator, sentences, message):
    for call in (translator, translator.translate, lambda x: translator.score(SOURCES, x)):
        with pytest.raises(TypeError, match=message.replace("sentences", "(sentences|targets)")):
            call(sentences)


def test_columns_of_arrow_tables_are_lists_of_strings(translator):
    pyarrow = pytest.importorskip("pyarrow")
    column = pyarrow.chunked_array([SOURCES[:1], SOURCES[1:]])
    assert translator(column) == translator(SOURCES)
    prefixes = pyarrow.array([""] * len(SOURCES))
    found = translator.translate(column, prefixes=prefixes)
    assert [translation.text for translation in found] == translator(SOURCES)
    assert translator.score(column, column) == translator.score(SOURCES, SOURCES)


def test_a_stream_of_one_string_is_an_error(translator):
    with pytest.raises(TypeError, match="`sentences` must be an iterable of strings"):
        translator.stream("hund")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, marks=pytest.mark.slow),
        {"cell": keras.layers.GRUCell(6)},
        {"encoder": DoublingEncoder(6)},
        {
            "encoder": BidirectionalEncoder(6, concat_inputs=True),
            "decoder": AttentionDecoder(6, context_skip=True),
        },
        {"num_layers": 2, "dropout": 0.1, "attention": "dot", "cell": "GRUCell"},
    ],
    ids=["default", "keras_cell", "custom_encoder", "shortcuts", "other"],
)
def test_a_saved_translator_is_the_same(tmp_path, options):
    search = BeamSearch(3, length_penalty=0.5, n_best=2, max_length=8, banned_ids=[1, 5])
    translator = make_translator(search, **options)
    translator.save(tmp_path / "model")
    translator.save(tmp_path / "model")
    again = Translator.load(tmp_path / "model")
    assert again(SOURCES) == translator(SOURCES)
    assert again.search.get_config() == search.get_config()
    assert (again.source.reverse, again.source.max_length) == (True, 11)
    assert {
        w.dtype for w in Translator.load(tmp_path / "model", dtype="bfloat16").model.weights
    } == {"bfloat16"}
    other = make_toy_model(seed=2, **options)
    start_from(
        other,
        (translator.source.vocabulary, translator.target.vocabulary),
        ModelDirectory(tmp_path / "model"),
    )
    for weight, expected in zip(other.weights, translator.model.weights, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_the_configuration_describes_the_model(tmp_path):
    translator = make_translator(num_layers=2, dropout=0.1, attention="dot", cell="GRUCell")
    translator.save(tmp_path / "model")
    hparams = ModelDirectory(tmp_path / "model").load_config().hparams
    assert (hparams.rnn_cell.type, hparams.rnn_cell.num_units) == ("GRUCell", 6)
    assert (hparams.rnn_cell.num_layers, hparams.rnn_cell.dropout_input_keep_prob) == (2, 0.9)
    assert (hparams.attention.score_type, hparams.attention.dim) == ("dot", 6)
    assert hparams.encoder.type == "BidirectionalEncoder"
    assert not hparams.encoder.concat_inputs
    assert not hparams.decoder.context_skip


def test_the_configuration_describes_shortcuts(tmp_path):
    encoder = BidirectionalEncoder(6, concat_inputs=True)
    decoder = AttentionDecoder(6, context_skip=True)
    make_translator(encoder=encoder, decoder=decoder).save(tmp_path / "model")
    hparams = ModelDirectory(tmp_path / "model").load_config().hparams
    assert hparams.encoder.concat_inputs
    assert hparams.decoder.context_skip


@pytest.mark.parametrize("seed", [7, keras.random.SeedGenerator(7)], ids=["number", "generator"])
def test_a_saved_translator_keeps_its_seed(tmp_path, seed):
    make_translator(SamplingSearch(seed=seed, max_length=8)).save(tmp_path / "model")
    inference = ModelDirectory(tmp_path / "model").load_config().hparams.inference
    assert inference.sample
    assert inference.sampling.seed == 7


class LastSearch(GreedySearch):
    """A search that no option describes."""


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (LastSearch(), "the search LastSearch cannot be saved; .* pass yours to Translator.load"),
        (BeamSearch(1, length_penalty=0.5), "a beam search of width 1 with penalties"),
        (BeamSearch(1, coverage_penalty=0.5), "a beam search of width 1 with penalties"),
        (
            SamplingSearch(temperature=1e-9),
            r"described: inference\.sampling\.temperature: expected",
        ),
    ],
)
def test_a_search_that_no_option_describes_is_not_saved(tmp_path, search, message):
    with pytest.raises(UserError, match=message) as error:
        make_translator(search).save(tmp_path / "model")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "model").exists()


def test_a_mapping_of_unknown_words_is_not_saved(tmp_path):
    source, target = Vocabulary(SOURCE_TOKENS), Vocabulary(TARGET_TOKENS)
    model = make_toy_model()
    replacement = UnkReplacement({"hund": "dog"})
    translator = Translator(model, source, target, unk_replacement=replacement)
    with pytest.raises(UserError, match="the mapping of unk_replacement cannot be saved; save"):
        translator.save(tmp_path / "model")
    Translator(model, source, target, unk_replacement=UnkReplacement()).save(tmp_path / "model")
    again = Translator.load(tmp_path / "model", unk_mapping=replacement.mapping)
    assert again.unk_replacement.mapping == replacement.mapping


def test_a_maximum_length_of_numpy_is_saved(tmp_path):
    source = TextEncoder(Vocabulary(SOURCE_TOKENS), max_length=np.int64(11))
    translator = Translator(make_toy_model(), source, Vocabulary(TARGET_TOKENS))
    translator.save(tmp_path / "model")
    assert Translator.load(tmp_path / "model").source.max_length == 11


def test_a_saved_model_has_no_checkpoints(translator, tmp_path):
    translator.save(tmp_path / "model")
    with pytest.raises(UserError, match="contains no checkpoints to average"):
        average_checkpoints(tmp_path / "model", tmp_path / "average", last=2)
    with pytest.raises(UserError, match="no checkpoint to resume from"):
        ModelDirectory(tmp_path / "model").check_can_resume()


def test_a_training_run_is_not_overwritten(translator, tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match="contains a training run"):
        translator.save(tmp_path)
