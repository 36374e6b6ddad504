"""Exported models translate as the originals do."""

import json
import os
import shutil
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from harness.toy_model import SOURCES, write_toy_model

from keras_seq2seq.decoding import BeamSearch, SamplingSearch
from keras_seq2seq.errors import UserError
from keras_seq2seq.export import describe_model, export_translator
from keras_seq2seq.layers import AttentionDecoder, BidirectionalEncoder, LSTMCell
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq, Ensemble
from keras_seq2seq.runtime import ExportedModel
from keras_seq2seq.runtime import Translator as ExportedTranslator
from keras_seq2seq.text import (
    CharacterTokenizer,
    TextEncoder,
    Tokenizer,
    Vocabulary,
    WhitespaceTokenizer,
    register_tokenizer,
)
from keras_seq2seq.text.tokenizer import TOKENIZERS
from keras_seq2seq.translator import Translator

SOURCE = Vocabulary("abcdefgh")
TARGET = Vocabulary(["ä", "ö", "ü", "笑", "x", "y"])
# As many of several lengths as to fill a batch, and some more.
SENTENCES = ["a b c", "", "h g f e d c b a", "a", "unknown a words", "   ", "b", "c c c c"] * 3


def make_model(model_class=AttentionSeq2Seq, seed=3, **options):
    keras.utils.set_random_seed(seed)
    model = model_class(len(SOURCE), len(TARGET), **{"num_units": 8, **options})
    # Initial weights are small: larger ones make the model sure of its tokens.
    for weight in model.trainable_weights:
        weight.assign(weight * 4)
    return model


def assert_same(translator, path, prefixes=None, sentences=SENTENCES, tolerance=1e-4):
    exported = ExportedTranslator(path)
    assert exported(sentences) == translator(sentences)
    originals = translator.translate(sentences, prefixes=prefixes)
    for original, other in zip(
        originals, exported.translate(sentences, prefixes=prefixes), strict=True
    ):
        assert other.source_tokens == original.source_tokens
        assert len(other.hypotheses) == len(original.hypotheses)
        for hypothesis, expected in zip(other.hypotheses, original.hypotheses, strict=True):
            assert hypothesis.text == expected.text
            assert hypothesis.tokens == expected.tokens
            assert hypothesis.truncated == expected.truncated
            assert hypothesis.score == pytest.approx(expected.score, abs=tolerance)
            assert hypothesis.token_scores == pytest.approx(expected.token_scores, abs=tolerance)
            if expected.attention is None:
                assert hypothesis.attention is None
            else:
                np.testing.assert_allclose(hypothesis.attention, expected.attention, atol=tolerance)


MODELS = {
    "deep": {
        "encoder": lambda: BidirectionalEncoder(
            8, cell="GRUCell", num_layers=3, residual_connections=True
        ),
        "decoder": lambda: AttentionDecoder(8, cell="GRUCell", num_layers=2, attention="dot"),
    },
    "tied": {
        "encoder": "UnidirectionalEncoder",
        "cell": lambda: LSTMCell(8, layer_normalization=True),
        "tie_output": True,
        "embedding_dim": 12,
    },
    "shortcuts": {
        "encoder": lambda: BidirectionalEncoder(8, concat_inputs=True),
        "decoder": lambda: AttentionDecoder(8, context_skip=True),
    },
}
# Each with a search of its own; those below are greedy.
SEARCHES = {
    "deep": BeamSearch(
        3, n_best=2, max_length_ratio=1.0, min_length=3, no_repeat_ngram_size=2, banned_ids=[1]
    ),
    "tied": BeamSearch(4, length_penalty=0.6, coverage_penalty=0.2, n_best=3, max_length=12),
    "shortcuts": BeamSearch(3, n_best=2, max_length=8),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_and_searches(name, tmp_path, request):
    if name != "deep":
        request.getfixturevalue("single_sentences")
    options = {key: value() if callable(value) else value for key, value in MODELS[name].items()}
    translator = Translator(make_model(**options), SOURCE, TARGET, search=SEARCHES[name])
    export_translator(translator, tmp_path / "exported", check_lines=SENTENCES)
    assert_same(translator, tmp_path / "exported")


def test_characters_without_attention(tmp_path, single_sentences):
    source = CharacterTokenizer.build(["abcdefgh unknown words"])
    keras.utils.set_random_seed(3)
    translator = Translator(
        BasicSeq2Seq(len(source.vocabulary), len(TARGET), num_units=8),
        TextEncoder(source, reverse=True),
        CharacterTokenizer(TARGET),
    )
    export_translator(translator, tmp_path / "exported")
    assert_same(translator, tmp_path / "exported")


def test_ensemble(tmp_path, single_sentences):
    ensemble = Ensemble([make_model(), make_model(seed=4, cell="GRUCell")])
    translator = Translator(ensemble, SOURCE, TARGET, search=BeamSearch(2, max_length=9))
    export_translator(translator, tmp_path / "exported")
    assert_same(translator, tmp_path / "exported", prefixes=["x", "", "ä 笑"] * 8)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "bfloat16"])
def test_other_dtypes_are_exported_in_float32(dtype, tmp_path, single_sentences):
    model = make_model(dtype=dtype, num_units=16, tie_output=True)
    translator = Translator(model, SOURCE, TARGET, search=BeamSearch(2, max_length=9))
    export_translator(translator, tmp_path / "exported", check_lines=SENTENCES)
    expected = make_model(num_units=16, tie_output=True)
    for weight, original in zip(expected.weights, model.weights, strict=True):
        weight.assign(keras.ops.cast(original, weight.dtype))
    assert_same(
        Translator(expected, SOURCE, TARGET, search=translator.search), tmp_path / "exported"
    )


def test_quantized_models_are_close(tmp_path, single_sentences):
    translator = Translator(make_model(num_units=256), SOURCE, TARGET)
    weights = sum(weight.numpy().nbytes for weight in translator.model.weights)
    for quantize in ("float16", "int8"):
        path = tmp_path / quantize
        agreement = export_translator(translator, path, quantize=quantize, check_lines=SENTENCES)
        assert agreement.lines == len(SENTENCES)
        assert agreement.equal >= 0.8 * len(SENTENCES)
        assert (path / "model.tflite").stat().st_size < weights


def test_a_float32_model_that_differs_is_rejected(tmp_path, monkeypatch, single_sentences):
    translator = Translator(make_model(BasicSeq2Seq), SOURCE, TARGET)
    other = Translator(make_model(BasicSeq2Seq, seed=9), SOURCE, TARGET)
    # As if the conversion had changed the weights.
    monkeypatch.setattr(translator, "stream", other.stream)
    with pytest.raises(UserError, match="^the exported model translates 'a b c' as .* but the or"):
        export_translator(translator, tmp_path / "exported", check_lines=SENTENCES)
    assert not (tmp_path / "exported").exists()


def test_sampling_is_rejected(tmp_path):
    translator = Translator(make_model(), SOURCE, TARGET, search=SamplingSearch())
    with pytest.raises(UserError, match="^sampling cannot be exported to LiteRT; use greedy"):
        export_translator(translator, tmp_path / "exported")


def test_a_tokenizer_of_the_user_is_rejected(tmp_path):
    @register_tokenizer
    class Commas(Tokenizer):
        name = "commas"

    try:
        translator = Translator(make_model(), Commas(SOURCE), TARGET)
        with pytest.raises(
            UserError, match="source tokenizer 'commas' is defined in .*test_litert"
        ):
            export_translator(translator, tmp_path / "exported")
    finally:
        del TOKENIZERS["commas"]


def test_a_directory_with_files_is_rejected(tmp_path):
    (tmp_path / "file").touch()
    translator = Translator(make_model(), SOURCE, TARGET)
    with pytest.raises(UserError, match="not empty; expected a new or empty directory"):
        export_translator(translator, tmp_path)


def load_toy_model(path, **options):
    return Translator.load(
        path / "model", unk_replace=True, unk_mapping={"Einhorn": "A"}, **options
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A model that is sure of its tokens, and its export, with replacement of unknown words."""
    path = tmp_path_factory.mktemp("toy")
    write_toy_model(path / "model", seed=26)
    load_toy_model(path).export(path / "exported", check_lines=SOURCES)
    return path


def test_temporary_files_are_in_the_output_directory(tmp_path, monkeypatch, single_sentences):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    # Brackets have a meaning in TensorFlow's patterns.
    output = tmp_path / "a[b]"
    export_translator(Translator(make_model(BasicSeq2Seq), SOURCE, TARGET), output)
    assert sorted(path.suffix for path in output.iterdir() if path.is_dir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a[b]"]


def test_translator_export(exported):
    translator = load_toy_model(exported)
    prefixes = ["a", "", "dog man"] * 4
    assert_same(translator, exported / "exported", prefixes, SOURCES * 2)
    # Unknown words are replaced.
    assert translator(SOURCES) != Translator.load(exported / "model")(SOURCES)
    card = (exported / "exported" / "README.md").read_text(encoding="utf-8")
    assert f"| {len(SOURCES)} of {len(SOURCES)} translations equal" in card


def test_the_encoder_writes_its_outputs_in_place(exported, capsys):
    # An option of the converter that is not public: without it, exported models are slower.
    content = ExportedModel(exported / "exported").model_path.read_bytes()
    tf.lite.experimental.Analyzer.analyze(model_content=content)
    operations = capsys.readouterr().out
    assert "DYNAMIC_UPDATE_SLICE" in operations
    assert "SLICE(T#" in operations  # How the analyzer prints operations


def test_the_longest_translation_can_be_set(exported):
    shorter = load_toy_model(exported, max_length=4)(SOURCES)
    assert ExportedTranslator(exported / "exported", max_length=4)(SOURCES) == shorter
    assert ExportedTranslator(exported / "exported")(SOURCES) != shorter


def test_many_threads_share_a_translator(exported):
    from concurrent.futures import ThreadPoolExecutor

    translator, sentences = ExportedTranslator(exported / "exported"), SOURCES * 4
    expected = load_toy_model(exported)(sentences)
    with ThreadPoolExecutor(8) as executor:
        assert all(found == expected for found in executor.map(translator, [sentences] * 32))


DAMAGES = {
    "": "damaged file",
    "[]": "damaged file",
    '{"format": "other", "version": 1}': "the format is 'other'",
    '{"format": "keras_seq2seq.litert", "version": 2}': "version 2 of the format, but this",
    '{"format": "keras_seq2seq.litert", "version": 1}': "missing 5 required",
}


@pytest.mark.parametrize("content", DAMAGES)
def test_damaged_options(content, exported, tmp_path):
    directory = ExportedModel(tmp_path)
    directory.options_path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=DAMAGES[content]):
        ExportedTranslator(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_length", 10**9),
        ("n_best", "2"),
        ("batch_sizes", [8]),
        ("search", "sampling"),
        ("search", None),
        ("search_options", None),
        ("search_options", []),
        ("search_options", {"max_length_ratio": "2"}),
    ],
)
def test_absurd_options(name, value, exported, tmp_path):
    options = json.loads((exported / "exported" / "export.json").read_text(encoding="utf-8"))
    (tmp_path / "export.json").write_text(json.dumps(options | {name: value}), encoding="utf-8")
    with pytest.raises(UserError, match="damaged file"):
        ExportedTranslator(tmp_path)


def test_a_model_file_may_be_overwritten(exported, tmp_path):
    shutil.copytree(exported / "exported", tmp_path / "copy")
    translator = ExportedTranslator(tmp_path / "copy")
    expected = translator(SOURCES)
    # Not by renaming a new file, but as `cp` does.
    (tmp_path / "copy" / "model.tflite").write_bytes(b"")
    assert translator(SOURCES) == expected
    translator.prepare(2)


def test_a_damaged_model(exported, tmp_path):
    shutil.copytree(exported / "exported", tmp_path / "copy")
    path, options_path = tmp_path / "copy" / "model.tflite", tmp_path / "copy" / "export.json"
    content = path.read_bytes()
    for place in (0.01, 0.3, 0.6, 0.99):
        damaged = bytearray(content)
        damaged[int(place * len(content))] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"model\.tflite: damaged file; copy it again"):
            ExportedTranslator(tmp_path / "copy")
    # Earlier versions wrote no checksum.
    options = json.loads(options_path.read_text(encoding="utf-8"))
    assert options.pop("model_crc32") == zlib.crc32(content)
    options_path.write_text(json.dumps(options), encoding="utf-8")
    path.write_bytes(b"TFL3" * 100)
    with pytest.raises(UserError, match=r"model\.tflite: cannot be run \("):
        ExportedTranslator(tmp_path / "copy")
    path.write_bytes(content)
    assert ExportedTranslator(tmp_path / "copy")(SOURCES[:1])
    options_path.write_text(json.dumps(options | {"batch_sizes": [1, 7]}), encoding="utf-8")
    with pytest.raises(UserError, match=r"model\.tflite: cannot be run \("):
        ExportedTranslator(tmp_path / "copy")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UserError, match=r"model\.tflite: is a pipe"):
        ExportedTranslator(tmp_path / "copy")


def test_files_of_tokenizers_are_required(exported, tmp_path):
    shutil.copytree(exported / "exported", tmp_path / "copy")
    (tmp_path / "copy" / "source.tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"source\.tokenizer\.json: no such file"):
        ExportedTranslator(tmp_path / "copy")


@pytest.mark.parametrize("side", ["source", "target"])
def test_tokenizers_of_another_export_are_refused(exported, tmp_path, side):
    shutil.copytree(exported / "exported", tmp_path / "copy")
    other = WhitespaceTokenizer(Vocabulary(["another", "vocabulary"]))
    other.save(tmp_path / "copy" / side)
    with pytest.raises(UserError, match=rf"{side}\.tokenizer\.json: damaged file; copy it again"):
        ExportedTranslator(tmp_path / "copy")
    # Earlier versions wrote no checksum.
    path = tmp_path / "copy" / "export.json"
    options = json.loads(path.read_text(encoding="utf-8"))
    del options[f"{side}_crc32"]
    path.write_text(json.dumps(options), encoding="utf-8")
    ExportedTranslator(tmp_path / "copy")


def test_facts_of_a_model_trained_on_several_files(tmp_path):
    write_toy_model(tmp_path)
    files = {"train_source": ("a/1.de", "a/2.de"), "train_target": "a/*.en"}
    config = ModelDirectory(tmp_path).load_config()
    config.model_copy(update={**files, "best_metric": "ter"}).save(tmp_path / "config.yaml")
    records = [{"step": step, "dev_loss": 1.0, "dev_ter": ter} for step, ter in ((1, 80), (2, 60))]
    lines = "".join(f"{json.dumps(record)}\n" for record in records)
    (tmp_path / "metrics.jsonl").write_text(lines)
    facts = describe_model([tmp_path])
    assert facts["training data"] == "1.de, 2.de, *.en"
    assert facts["dev metrics"] == "loss 1, ter 60"
    (tmp_path / "metrics.jsonl").unlink()
    os.mkfifo(tmp_path / "metrics.jsonl")
    assert "dev metrics" not in describe_model([tmp_path])
