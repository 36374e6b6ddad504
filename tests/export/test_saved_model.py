"""SavedModels translate text as the originals do, in processes that import only TensorFlow."""

import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from harness.toy_model import SOURCES, TARGET_TOKENS, make_toy_model, make_varied_model
from tensorflow.core.framework.tensor_pb2 import TensorProto

from keras_seq2seq.decoding import BeamSearch, GreedySearch, SamplingSearch
from keras_seq2seq.errors import UserError
from keras_seq2seq.export.directory import _compare
from keras_seq2seq.export.saved_model import Result
from keras_seq2seq.models import BasicSeq2Seq, Ensemble
from keras_seq2seq.text import (
    ByteTokenizer,
    CharacterTokenizer,
    SentencePieceTokenizer,
    TextEncoder,
    Tokenizer,
    Vocabulary,
    WhitespaceTokenizer,
    WordTokenizer,
    register_tokenizer,
)
from keras_seq2seq.text.tokenizer import TOKENIZERS as REGISTERED
from keras_seq2seq.translator import Translator, UnkReplacement

SOURCE_TOKENS = ("ein", "mann", "schläft", "hund", ".")
LINES = [*SOURCES, "", " \u3000 ", " ein\tmann\u00a0.", "Einhorn <unk> ein"]


def make(search=None, model=None, reverse=False, **options):
    source = TextEncoder(Vocabulary(SOURCE_TOKENS), reverse=reverse)
    return Translator(
        model or make_toy_model(seed=26),
        source,
        Vocabulary(TARGET_TOKENS),
        search=search or GreedySearch(max_length=8),
        **options,
    )


def texts(array):
    return [text.decode() for text in array.numpy().ravel()]


def assert_same(translator, path, lines=LINES):
    """Compares both signatures of `path/1` with the translator."""
    signatures = tf.saved_model.load(str(path / "1")).signatures
    batch = tf.constant(lines)
    assert texts(signatures["serving_default"](text=batch)["text"]) == translator(lines)
    found = {name: value.numpy() for name, value in signatures["details"](text=batch).items()}
    for row, expected in enumerate(translator.translate(lines)):
        source_length = len(expected.source_tokens)
        source = [token.decode() for token in found["source_tokens"][row]]
        assert source[:source_length] == expected.source_tokens
        assert set(source[source_length:]) <= {""}
        for rank in range(found["text"].shape[1]):
            text = found["text"][row, rank].decode()
            if rank >= len(expected.hypotheses):
                assert (text, found["score"][row, rank]) == ("", -np.inf)
                continue
            hypothesis = expected.hypotheses[rank]
            length = len(hypothesis.tokens)
            assert text == hypothesis.text
            tokens = [token.decode() for token in found["tokens"][row, rank]]
            assert tokens[:length] == hypothesis.tokens
            assert set(tokens[length:]) <= {""}
            assert found["score"][row, rank] == pytest.approx(hypothesis.score, abs=1e-4)
            scores = found["token_scores"][row, rank, : len(hypothesis.token_scores)]
            assert scores == pytest.approx(hypothesis.token_scores, abs=1e-4)
            if hypothesis.attention is not None:
                attention = found["attention"][row, rank]
                np.testing.assert_allclose(
                    attention[:length, :source_length], hypothesis.attention, atol=1e-5
                )
                assert not attention[length:].any() and not attention[:, source_length:].any()


def test_beam_search(tmp_path):
    translator = make(
        BeamSearch(4, n_best=3, length_penalty=0.6, max_length=8),
        reverse=True,
        # Of words as they are in the source.
        unk_replacement=UnkReplacement({}),
    )
    agreement = translator.export(tmp_path, format="saved_model", check_lines=LINES)
    assert (agreement.lines, agreement.equal) == (len(LINES), len(LINES))
    assert agreement.largest_difference < 1e-5
    assert_same(translator, tmp_path)


def test_the_path_is_no_pattern(tmp_path):
    make().export(tmp_path / "run[lr=0.1]", format="saved_model", check_lines=SOURCES)
    assert sorted(os.listdir(tmp_path / "run[lr=0.1]" / "1" / "variables"))


def test_unknown_words_are_replaced(tmp_path):
    replacement = UnkReplacement({"Einhorn": "unicorn", "ein": "one"})
    translator = make(reverse=True, unk_replacement=replacement)
    translator.export(tmp_path, format="saved_model")
    assert_same(translator, tmp_path)


def test_unknown_words_are_converted_to_tokens_of_the_target_side(tmp_path):
    pieces = SentencePieceTokenizer.build(["in live a"] * 9, 8, byte_fallback=False)
    translator = Translator(
        make_toy_model(seed=26, tokens=pieces.vocabulary.tokens),
        Vocabulary(SOURCE_TOKENS),
        pieces,
        search=GreedySearch(max_length=8),
        unk_replacement=UnkReplacement({"ein": "a"}),
    )
    tokens = [token for found in translator.translate(SOURCES) for token in found.target_tokens]
    assert any(token.startswith(" ") for token in tokens)
    translator.export(tmp_path, format="saved_model")
    assert_same(translator, tmp_path)


def test_unknown_words_may_be_replaced_by_nothing(tmp_path):
    mapping = dict.fromkeys(" ".join(SOURCES).split(), "")
    translator = make(unk_replacement=UnkReplacement(mapping))
    assert any("" in found.target_tokens for found in translator.translate(SOURCES))
    translator.export(tmp_path, format="saved_model")
    assert_same(translator, tmp_path)


def test_without_attention(tmp_path):
    model = make_toy_model(seed=3, model_class=BasicSeq2Seq)
    translator = make(BeamSearch(2, n_best=2, max_length=8), model)
    translator.export(tmp_path, format="saved_model")
    assert_same(translator, tmp_path)


def test_ensemble(tmp_path):
    ensemble = Ensemble([make_toy_model(seed=3), make_toy_model(seed=4, cell="GRUCell")])
    translator = make(model=ensemble)
    translator.export(tmp_path, format="saved_model")
    assert_same(translator, tmp_path)


CHECK_LINES = [f"{'wort ' * 40}{number}" for number in range(20)]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A translator, and the directory of its export."""
    translator, path = make(), tmp_path_factory.mktemp("exported") / "toy"
    translator.export(path, format="saved_model", check_lines=CHECK_LINES)
    return translator, path


def test_an_empty_batch(exported):
    signatures = tf.saved_model.load(str(exported[1] / "1")).signatures
    nothing = tf.constant([], tf.string)
    assert signatures["serving_default"](text=nothing)["text"].shape == (0,)
    assert all(len(value) == 0 for value in signatures["details"](text=nothing).values())
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 10000 tokens; split it"):
        signatures["serving_default"](text=tf.constant(["a " * 10_001]))


def test_weights_are_saved_once(exported):
    translator, path = exported
    variables = tf.train.list_variables(str(path / "1" / "variables" / "variables"))
    sizes = [np.prod(shape) for name, shape in variables if name.endswith("VARIABLE_VALUE")]
    assert sum(sizes) == sum(np.prod(weight.shape) for weight in translator.model.weights)


TEXT = [
    "Der Mann schläft (nicht)! Er liest's um 10:30 Uhr.",
    "a man is sleeping, isn't he?  Two  spaces",
    "笑う 門には 福来る。",
] * 4
RAW_LINES = ["Der Mann schläft.", "", " \u3000a tab\tand é, 😀 or <unk>", "</s> ▁ <0xC3> @@ 福"]
TOKENIZERS = {
    "subword_nmt": lambda: WhitespaceTokenizer(
        Vocabulary(["sch@@", "läf@@", "t", "a", "man", "@@"]), continuation="@@"
    ),
    "characters": lambda: CharacterTokenizer.build(TEXT),
    "bytes": ByteTokenizer,
    "words": lambda: WordTokenizer.build(TEXT),
    "words_nfkc": lambda: WordTokenizer.build(TEXT, lowercase=True, nfkc=True),
    "sentencepiece": lambda: SentencePieceTokenizer.build(TEXT, 300),
}

# Prints the translations of SavedModels, and which packages had been imported for each of them.
PROGRAM = """
import json, sys
models, lines = json.load(sys.stdin)
import tensorflow as tf
results = []
for path, needs_text in models:
    if needs_text:
        import tensorflow_text
    model = tf.saved_model.load(path)
    found = model.signatures["serving_default"](text=tf.constant(lines))["text"].numpy()
    results.append([
        [text.decode() for text in found],
        sorted({"keras_seq2seq", "tensorflow_text"} & sys.modules.keys()),
    ])
print(json.dumps(results))
"""


@pytest.mark.parametrize(
    "names",
    [
        ("words", "sentencepiece"),
        pytest.param(("subword_nmt", "characters", "bytes", "words_nfkc"), marks=pytest.mark.slow),
    ],
    ids=", ".join,
)
def test_a_process_with_only_tensorflow(names, tmp_path):
    models, expected = [], []
    for name in names:
        tokenizer = TOKENIZERS[name]()
        model = make_varied_model(tokenizer.vocabulary_size())
        translator = Translator(model, tokenizer, tokenizer, search=GreedySearch(max_length=20))
        path = tmp_path / name
        translator.export(path, format="saved_model", check_lines=RAW_LINES)
        # Only the last one needs another package.
        needs_text = name in ("sentencepiece", "words_nfkc")
        card = (path / "1" / "README.md").read_text(encoding="utf-8")
        assert f"| needs | tensorflow{' and tensorflow-text' if needs_text else ''} |" in card
        models.append([str(path / "1"), needs_text])
        expected.append([translator(RAW_LINES), ["tensorflow_text"] if needs_text else []])
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps([models, RAW_LINES]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(process.stdout) == expected


def fields(message: bytes) -> list[tuple[int, bytes]]:
    """Decodes a Protocol Buffers message whose fields have a length."""
    found, position = [], 0

    def varint():
        nonlocal position
        value, shift = 0, 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while position < len(message):
        tag = varint()
        assert tag & 7 == 2
        length = varint()
        found.append((tag >> 3, message[position : position + length]))
        position += length
    return found


def test_warm_up_requests(exported):
    path = exported[1] / "1" / "assets.extra" / "tf_serving_warmup_requests"
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(path))]
    assert len(records) == 2
    for record, signature in zip(records, (b"serving_default", b"details"), strict=True):
        ((number, log),) = fields(record)
        assert number == 6
        ((number, request),) = fields(log)
        assert number == 1
        (model, model_spec), (inputs, entry) = fields(request)
        assert (model, inputs) == (1, 2)
        assert fields(model_spec) == [(1, b"toy"), (3, signature)]
        (_, key), (_, value) = fields(entry)
        assert key == b"text"
        proto = TensorProto.FromString(value)
        assert [text.decode() for text in tf.make_ndarray(proto)] == [*CHECK_LINES[:8], "."]


def test_each_export_is_the_next_version(exported, tmp_path):
    translator, path = exported
    shutil.copytree(path, tmp_path / "toy")
    (tmp_path / "toy" / "9").mkdir()
    (tmp_path / "toy" / "notes.txt").touch()
    translator.export(tmp_path / "toy", format="saved_model")
    names = {path.name for path in (tmp_path / "toy").iterdir()}
    assert names == {"1", "9", "10", "notes.txt"}


def test_a_model_that_differs_is_rejected(tmp_path, monkeypatch):
    translator = make()
    other = make(model=make_toy_model(seed=9))
    monkeypatch.setattr(translator, "stream", other.stream)
    with pytest.raises(UserError, match="^the exported model translates 'ein mann schläft .' as"):
        translator.export(tmp_path / "toy", format="saved_model", check_lines=SOURCES)
    assert not any((tmp_path / "toy").iterdir())


def test_differences_in_mixed_precision_are_only_counted(tmp_path, monkeypatch):
    # Its rounding depends on the graph.
    translator = make(model=make_toy_model(dtype="mixed_bfloat16"))
    other = make(model=make_toy_model(seed=9))
    monkeypatch.setattr(translator, "stream", other.stream)
    agreement = translator.export(tmp_path / "toy", format="saved_model", check_lines=SOURCES)
    assert agreement.equal < agreement.lines == len(SOURCES)


def test_what_cannot_be_exported(tmp_path):
    with pytest.raises(UserError, match="^sampling cannot be exported; use greedy search"):
        make(SamplingSearch()).export(tmp_path, format="saved_model")
    with pytest.raises(UserError, match="^quantize: int8 is not possible with saved_model"):
        make().export(tmp_path, format="saved_model", quantize="int8")

    @register_tokenizer
    class Commas(Tokenizer):
        name = "commas"

    try:
        translator = Translator(
            make_toy_model(),
            WhitespaceTokenizer(Vocabulary("abcde")),
            Commas(Vocabulary(TARGET_TOKENS)),
        )
        with pytest.raises(UserError, match="'commas' cannot join tokens in a graph; implement"):
            translator.export(tmp_path, format="saved_model")
    finally:
        del REGISTERED["commas"]


@pytest.mark.parametrize(("difference", "is_same"), [(0.02, True), (0.2, False)])
def test_the_scores_of_long_translations_may_differ_by_more(difference, is_same):
    original, other = (
        SimpleNamespace(stream=lambda lines, score=score: [Result("a", score)])
        for score in (-9000.0, -9000.0 - difference)
    )
    if is_same:
        agreement = _compare(original, other, ["a"], is_exact=True)
        assert agreement.largest_difference == pytest.approx(difference)
    else:
        with pytest.raises(UserError, match="^the exported model translates 'a' as"):
            _compare(original, other, ["a"], is_exact=True)
