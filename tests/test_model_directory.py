import io
import os
import re
import stat
import zipfile
import zlib
from functools import partial
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from harness.numbers import numbers_of
from harness.toy_model import SOURCES, TARGET_TOKENS, write_toy_model

from keras_seq2seq.config import Config
from keras_seq2seq.errors import UserError
from keras_seq2seq.layers import DotAttention
from keras_seq2seq.losses import MaskedCrossEntropy
from keras_seq2seq.model_directory import ModelDirectory, load_models
from keras_seq2seq.models import AttentionSeq2Seq, BasicSeq2Seq, Ensemble
from keras_seq2seq.special_tokens import END_ID
from keras_seq2seq.text import (
    TOKENIZERS,
    CharacterTokenizer,
    SentencePieceTokenizer,
    Vocabulary,
    WhitespaceTokenizer,
)
from keras_seq2seq.training.records import RunRecord
from keras_seq2seq.training.run_data import make_translator
from keras_seq2seq.translator import Translator
from keras_seq2seq.translator.scorer import Scorer


@pytest.fixture
def model_dirs(tmp_path):
    paths = [tmp_path / "first", tmp_path / "second"]
    for seed, path in enumerate(paths, 1):
        write_toy_model(path, seed)
    return paths


def test_an_ensemble_translates_unlike_its_models(model_dirs):
    translator = Translator.load(model_dirs, beam_width=3)
    assert type(translator.model) is Ensemble
    together = translator.translate(SOURCES)
    assert all(
        [translation.text for translation in together] != Translator.load(path)(SOURCES)
        for path in model_dirs
    )
    assert together[0].attention.shape[1] == 4


def test_one_directory_in_a_list_is_that_model(model_dirs):
    assert Translator.load(model_dirs[:1])(SOURCES) == Translator.load(model_dirs[0])(SOURCES)


@pytest.mark.parametrize("model_class", [AttentionSeq2Seq, BasicSeq2Seq])
def test_a_model_translates_alike_in_less_precise_numbers(tmp_path, model_class):
    write_toy_model(tmp_path / "model", model_class=model_class)
    precise = Translator.load(tmp_path / "model")
    translator = Translator.load(tmp_path / "model", dtype="bfloat16")
    weights = zip(precise.model.weights, translator.model.weights, strict=True)
    for weight, rounded in weights:
        assert (weight.dtype, rounded.dtype) == ("float32", "bfloat16")
        np.testing.assert_allclose(numbers_of(rounded), numbers_of(weight), rtol=2**-8)
    pairs = list(zip(translator.translate(SOURCES), precise.translate(SOURCES), strict=True))
    alike = [
        (found.score, expected.score) for found, expected in pairs if found.text == expected.text
    ]
    # Logits up to ten or so have seven bits behind the leading one: of two tokens that are about
    # as likely it may take the other.
    assert len(alike) >= len(pairs) - 1
    for found, expected in alike:
        assert found == pytest.approx(expected, abs=0.3)
        assert found != expected


def test_weights_of_a_loaded_translator_are_fixed(tmp_path):
    write_toy_model(tmp_path / "model")
    translator = Translator.load(tmp_path / "model", dtype="bfloat16")
    before = translator(SOURCES)
    bias = translator.model.output_layer.bias
    bias.assign(bias + 100 * np.eye(bias.shape[0])[END_ID])
    assert translator(SOURCES) == before
    # Another, that follows its model.
    config, model, source, target = load_models([tmp_path / "model"], {"dtype": "bfloat16"})
    translator = make_translator(config, model, source, target)
    assert translator(SOURCES) == before
    model.output_layer.bias.assign(bias)
    assert translator(SOURCES) == [""] * len(SOURCES)


def test_an_ensemble_may_have_other_numbers_than_its_models(model_dirs):
    translator = Translator.load(model_dirs, dtype="bfloat16")
    assert {weight.dtype for model in translator.model.models for weight in model.weights} == {
        "bfloat16"
    }


def test_a_dtype_that_is_none_is_refused(model_dirs):
    with pytest.raises(UserError, match='dtype: expected float32 or bfloat16, got "float16"'):
        Translator.load(model_dirs, dtype="float16")


def test_two_copies_of_a_model_are_scored_as_one(model_dirs):
    translator = Translator.load([model_dirs[0], model_dirs[0]])
    texts = translator(SOURCES)
    scores = Scorer.from_translator(translator)(SOURCES, texts)
    expected = Scorer.load(model_dirs[0])(SOURCES, texts)
    assert [score.log_probability for score in scores] == pytest.approx(
        [score.log_probability for score in expected], abs=1e-4
    )


def test_models_of_other_tokens_are_refused(model_dirs):
    def message():
        with pytest.raises(UserError) as error:
            Translator.load(model_dirs)
        return str(error.value).removeprefix(f"{model_dirs[1]}: its ")

    directory = ModelDirectory(model_dirs[1])
    Config(hparams={"source": {"reverse": True}}).save(directory.config_path)
    assert message().startswith(f"source.reverse differs from that of {model_dirs[0]}; an ensemble")
    CharacterTokenizer(Vocabulary(TARGET_TOKENS)).save(directory.target_path)
    assert message().startswith("target.tokenizer differs from that of")
    # As many, in another order.
    CharacterTokenizer(Vocabulary(TARGET_TOKENS[::-1])).save(directory.target_path)
    assert message().startswith("target vocabulary differs from that of")


def test_no_directory():
    with pytest.raises(UserError, match="no model directory; expected at least one"):
        Translator.load([])


class SuffixTokenizer(WhitespaceTokenizer):
    """Ends its text with a suffix, which is kept in a file."""

    name = "suffix"

    def __init__(self, vocabulary=None, suffix=""):
        super().__init__(vocabulary)
        self.suffix = suffix

    def detokenize(self, tokens):
        return super().detokenize(tokens) + self.suffix

    def save_assets(self, prefix):
        Path(f"{prefix}.suffix").write_text(self.suffix)

    def load_assets(self, prefix):
        self.suffix = Path(f"{prefix}.suffix").read_text()


def test_a_tokenizer_with_a_file_of_its_own(tmp_path, monkeypatch):
    write_toy_model(tmp_path)
    expected = Translator.load(tmp_path)(SOURCES)
    directory = ModelDirectory(tmp_path)
    source, target = directory.load_tokenizers()
    directory.create(directory.load_config(), source, SuffixTokenizer(target.vocabulary, " !"))
    assert (tmp_path / "target.suffix").exists()
    with pytest.raises(UserError, match=r"target.tokenizer.json: unknown tokenizer 'suffix'; imp"):
        Translator.load(tmp_path)
    monkeypatch.setitem(TOKENIZERS, "suffix", SuffixTokenizer)
    assert Translator.load(tmp_path)(SOURCES) == [f"{text} !" for text in expected]


def compile_and_build(model):
    model.compile("adam", loss=MaskedCrossEntropy())
    model.optimizer.build(model.trainable_variables)
    return model


def test_the_model_file_has_no_optimizer(tmp_path):
    directory = ModelDirectory(tmp_path)
    write_toy_model(tmp_path)
    model = directory.load_model()
    directory.save_model(model)
    size = directory.model_path.stat().st_size
    compiled = compile_and_build(model)
    directory.save_model(compiled)
    assert directory.model_path.stat().st_size == pytest.approx(size, abs=2000)
    assert compiled.compiled and compiled.optimizer.built
    loaded = directory.load_model()
    for found, expected in zip(loaded.get_weights(), compiled.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def rewrite(path, **changed):
    """Writes a model file again with other contents of some members; `None` leaves one out."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents |= {name.replace("_", "."): content for name, content in changed.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)


def resize(path, name, value):
    """Changes a number wherever it occurs in the config."""
    with zipfile.ZipFile(path) as file:
        config = file.read("config.json").decode()
    changed = re.sub(rf'"{name}": \d+', f'"{name}": {value}', config)
    assert changed != config
    rewrite(path, config_json=changed.encode())


def other_model():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])


def compressed_weights():
    """Returns a file of a few kilobytes that takes gigabytes when it is read."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("x", (2**15, 2**15), "float32", chunks=True, compression="gzip")
    assert content.tell() < 10**6
    return content.getvalue()


def weights_with(path, value):
    """Returns the weights of a model file with another number at one place."""
    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content, "r+") as file:
        kernels = []
        file.visititems(lambda _, item: kernels.append(item) if hasattr(item, "shape") else None)
        kernels[-1][-1] = value
    return content.getvalue()


def compress(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * 10**7)


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a model"),
    "half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "no_config": lambda path: rewrite(path, config_json=None),
    "no_weights": lambda path: rewrite(path, model_weights_h5=None),
    "no_json": lambda path: rewrite(path, config_json=b"{"),
    "list": lambda path: rewrite(path, config_json=b"[]"),
    "deep": lambda path: rewrite(path, config_json=b"[" * 100_000),
    "bytes": lambda path: rewrite(path, config_json=b"\xff\xfe"),
    "other_class": lambda path: rewrite(
        path, config_json=b'{"module": "os", "class_name": "system", "config": {}}'
    ),
    "no_h5": lambda path: rewrite(path, model_weights_h5=b"weights"),
    "binary": lambda path: rewrite(path, config_json=zlib.compress(b"x" * 10_000)),
    "compressed": lambda path: compress(path),
    "compressed_weights": lambda path: rewrite(path, model_weights_h5=compressed_weights()),
    "nan": lambda path: rewrite(path, model_weights_h5=weights_with(path, np.nan)),
    "infinity": lambda path: rewrite(path, model_weights_h5=weights_with(path, np.inf)),
    "many_files": lambda path: rewrite(path, **{f"file{i}_x": b"" for i in range(2_000)}),
    "large_cells": lambda path: resize(path, "num_units", 10**6),
    "large_embeddings": lambda path: resize(path, "embedding_dim", 10**6),
    "many_layers": lambda path: resize(path, "num_layers", 10**6),
    "large_config": lambda path: rewrite(path, config_json=b" " * 2**23),
    "other_model": lambda path: other_model().save(path),
}


# With another dtype, the model is built from config.yaml, and only the weights are read.
OF_WEIGHTS = ["empty", "text", "half", "no_weights", "no_h5", "nan"]


@pytest.mark.parametrize(
    ("damage", "dtype"),
    [*((name, None) for name in DAMAGES), *((name, "bfloat16") for name in OF_WEIGHTS)],
)
def test_a_damaged_model_is_one_line(tmp_path, damage, dtype):
    write_toy_model(tmp_path)
    DAMAGES[damage](tmp_path / "model.keras")
    with pytest.raises(UserError, match="model.keras: cannot be loaded") as error:
        ModelDirectory(tmp_path).load_model(dtype)
    assert "\n" not in str(error.value)


def test_a_class_that_is_not_registered_is_named(tmp_path):
    @keras.saving.register_keras_serializable("tests")
    class OwnAttention(DotAttention):
        pass

    model = AttentionSeq2Seq(6, 6, num_units=4, attention=OwnAttention(4))
    vocabulary = Vocabulary(["a", "b"])
    Translator(model, vocabulary, vocabulary).save(tmp_path / "model")
    Translator.load(tmp_path / "model")
    keras.saving.get_custom_objects().pop("tests>OwnAttention")
    message = (
        "model.keras: contains objects of the class tests>OwnAttention, which is not registered"
    )
    with pytest.raises(UserError, match=message):
        Translator.load(tmp_path / "model")


@pytest.mark.parametrize("place", [0.001, 0.02, 0.3, 0.6, 0.9, 0.98, 0.999])
def test_flipped_bits_of_a_model_are_one_line(tmp_path, place):
    write_toy_model(tmp_path)
    path = tmp_path / "model.keras"
    content = bytearray(path.read_bytes())
    start = int(place * len(content))
    content[start : start + 40] = bytes(255 - byte for byte in content[start : start + 40])
    path.write_bytes(content)
    for dtype in (None, "bfloat16"):
        with pytest.raises(UserError, match="model.keras: cannot be loaded"):
            ModelDirectory(tmp_path).load_model(dtype)


def test_a_run_without_a_model_names_the_way_to_one(tmp_path):
    write_toy_model(tmp_path)
    (tmp_path / "model.keras").unlink()
    with pytest.raises(UserError, match="no such file; training writes it at the first evaluation"):
        ModelDirectory(tmp_path).load_model()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "ckpt-7.index").touch()
    with pytest.raises(UserError, match="run keras-seq2seq average --model_dir .* --last 1"):
        ModelDirectory(tmp_path).load_model()


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_vocabulary_of_another_size_is_refused(model_dirs, side):
    path = model_dirs[0] / f"{side}.vocab"
    tokens = Vocabulary.load(path).tokens
    for changed in (tokens[:-1], [*tokens, "new"]):
        WhitespaceTokenizer(Vocabulary(changed)).save(model_dirs[0] / side)
        message = f"{path}: contains {len(changed)} tokens, but the model has {len(tokens)}; "
        for load in (Translator.load, Scorer.load):
            with pytest.raises(UserError) as error:
                load(model_dirs[0])
            assert str(error.value).startswith(message)


@pytest.mark.filterwarnings("ignore:size .* is too large")
def test_models_of_other_sentencepiece_models_are_refused(model_dirs):
    lines = ["ein mann schläft", "ein hund"]
    directories = [ModelDirectory(path) for path in model_dirs]
    for directory in directories:
        tokenizer = SentencePieceTokenizer.build(lines)
        directory.create(directory.load_config(), *[tokenizer] * 2)
    assert directories[0].load_text_encoders()[0].tokenizer == tokenizer
    # The same pieces, normalized in another way.
    other = SentencePieceTokenizer.build(lines, add_dummy_prefix=False)
    other.save(directories[1].source_path)
    with pytest.raises(UserError, match="its source vocabulary differs from that of"):
        Translator.load(model_dirs)
    with pytest.raises(UserError, match=r"source.model: contains [0-9]+ tokens, but the model has"):
        Translator.load(model_dirs[1])
    directories[1].source_path.with_suffix(".model").write_bytes(b"")
    with pytest.raises(UserError, match="source.model: empty file; expected a SentencePiece model"):
        Translator.load(model_dirs[1])


def test_an_exported_model_is_not_overwritten(tmp_path):
    (tmp_path / "export.json").touch()
    directory = ModelDirectory(tmp_path)
    with pytest.raises(UserError, match="contains an exported model; choose another directory"):
        directory.check_is_directory()
    with pytest.raises(UserError, match="contains an exported model, which keras_seq2seq.runtime"):
        directory.load_config()


def test_starting_over_keeps_links_to_directories(tmp_path):
    elsewhere, directory = tmp_path / "elsewhere", ModelDirectory(tmp_path / "model")
    (elsewhere / "below").mkdir(parents=True)
    (elsewhere / "below" / "file").touch()
    (elsewhere / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    directory.path.mkdir()
    directory.checkpoints_path.symlink_to(elsewhere)
    directory.clear()
    assert directory.checkpoints_path.is_symlink() and os.listdir(elsewhere) == []
    assert os.listdir(tmp_path / "kept") == ["file"]


def test_checkpoints_that_cannot_be_read_are_not_missing(without_privileges):
    assert not ModelDirectory("model").has_checkpoints()
    os.makedirs("model/checkpoints")
    os.chmod("model/checkpoints", 0)
    with pytest.raises(UserError) as error, without_privileges():
        ModelDirectory("model").has_checkpoints()
    assert str(error.value) == "model/checkpoints: cannot be read (Permission denied)"


def test_a_pipe_in_place_of_a_model_is_not_waited_for(tmp_path):
    write_toy_model(tmp_path)
    (tmp_path / "model.keras").unlink()
    os.mkfifo(tmp_path / "model.keras")
    with pytest.raises(UserError, match="model.keras: is a pipe"):
        ModelDirectory(tmp_path).load_model()


def test_the_file_of_one_tokenizer_may_not_be_missing(tmp_path):
    write_toy_model(tmp_path)
    (tmp_path / "source.tokenizer.json").unlink()
    with pytest.raises(UserError, match="source.tokenizer.json: no such file"):
        ModelDirectory(tmp_path).load_tokenizers()
    # As in model directories of version 0.1.
    (tmp_path / "target.tokenizer.json").unlink()
    source, target = ModelDirectory(tmp_path).load_tokenizers()
    assert type(source) is type(target) is WhitespaceTokenizer


def test_a_damaged_model_of_a_run_names_the_way_to_another_one(tmp_path):
    write_toy_model(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "ckpt-5.index").touch()
    with pytest.raises(UserError, match="restore the file, or make a new one of .*average --model"):
        ModelDirectory(tmp_path).load_model()


def test_a_model_that_cannot_be_opened_is_not_taken_for_a_damaged_one(tmp_path):
    write_toy_model(tmp_path)
    (tmp_path / "model.keras").unlink()
    (tmp_path / "model.keras").mkdir()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "ckpt-5.index").touch()
    with pytest.raises(UserError, match="is a directory; expected a regular file$"):
        ModelDirectory(tmp_path).load_model()


@pytest.mark.parametrize("name", ["dev.source", "metrics.jsonl", "run.json", "checkpoints"])
def test_files_that_no_run_wrote_are_not_replaced(tmp_path, name):
    (tmp_path / name).touch()
    directory = ModelDirectory(tmp_path)
    for check in (directory.check_can_resume, partial(directory.check_can_start_over, [])):
        with pytest.raises(UserError, match=f"{name}: not written by a training run, which also"):
            check()


@pytest.mark.parametrize("name", ["source.vocab", "target.vocab", "source.tokenizer.json"])
def test_tokenizers_replace_no_other_files(tmp_path, name):
    write_toy_model(tmp_path / "model")
    translator = Translator.load(tmp_path / "model")
    (tmp_path / name).write_text("a\n")
    with pytest.raises(UserError, match=f"{name}: would be replaced by another file of the same"):
        translator.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [name]
    assert (tmp_path / name).read_text() == "a\n"


def test_tokenizers_may_be_those_of_the_directory(tmp_path):
    write_toy_model(tmp_path / "model")
    translator = Translator.load(tmp_path / "model")
    for name in ("source.vocab", "target.vocab"):
        (tmp_path / name).write_bytes((tmp_path / "model" / name).read_bytes())
    translator.save(tmp_path)
    assert Translator.load(tmp_path)(SOURCES) == translator(SOURCES)


def test_saving_a_translator_replaces_no_configuration_that_a_person_wrote(tmp_path):
    write_toy_model(tmp_path / "model")
    translator = Translator.load(tmp_path / "model")
    (tmp_path / "config.yaml").write_text("batch_size: 16")
    with pytest.raises(UserError, match="config.yaml: not written by this package, and would be"):
        translator.save(tmp_path)
    translator.save(tmp_path / "model")


@pytest.mark.parametrize("resume", ["auto", "never"])
def test_a_configuration_that_a_person_wrote_is_not_replaced(tmp_path, resume):
    directory = ModelDirectory(tmp_path)
    directory.config_path.write_text("batch_size: 16  # a comment")
    directory.logs_path.mkdir()
    check = directory.check_can_resume
    if resume == "never":
        check = partial(directory.check_can_start_over, [])
    with pytest.raises(UserError, match="config.yaml: not written by this package, and would be"):
        check()
    # It may be one of version 0.1.
    RunRecord(directory.run_path).add_start(0, 7, {})
    check()


def test_missing_dev_data_may_have_been_drawn_or_given(tmp_path):
    message = "dev.source: no such file; restore it, or, if the run in .* given, set --dev_source"
    with pytest.raises(UserError, match=message):
        ModelDirectory(tmp_path).open_dev()


def test_files_with_similar_names_are_not_temporary_files(tmp_path):
    write_toy_model(tmp_path)
    for name in (".model-backup", ".model-a1b2c3_d"):
        (tmp_path / name).mkdir()
    for name in (".notes.tmp", ".config.yaml.0.tmp"):
        (tmp_path / name).touch()
    directory = ModelDirectory(tmp_path)
    directory.create(directory.load_config(), *directory.load_tokenizers())
    hidden = [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert sorted(hidden) == [".model-backup", ".notes.tmp"]


def write_foreign_checkpoint(path):
    """Writes a checkpoint as other programs do."""
    checkpoint = tf.train.Checkpoint(weight=tf.Variable(1.0))
    tf.train.CheckpointManager(checkpoint, path, max_to_keep=1).save()


FOREIGN = {
    "checkpoint": lambda path: write_foreign_checkpoint(path / "checkpoints"),
    "run.json": lambda path: (path / "run.json").write_text("{}"),
}


@pytest.mark.parametrize("resume", ["auto", "never"])
@pytest.mark.parametrize("foreign", FOREIGN)
def test_files_of_other_programs_do_not_make_a_configuration_one_of_a_run(
    tmp_path, foreign, resume
):
    directory = ModelDirectory(tmp_path)
    directory.config_path.write_text("batch_size: 16  # a comment")
    FOREIGN[foreign](tmp_path)
    check = directory.check_can_resume
    if resume == "never":
        check = partial(directory.check_can_start_over, [])
    with pytest.raises(UserError, match="config.yaml: not written by this package, and would be"):
        check()


def test_a_configuration_of_something_else_is_not_one_of_a_run(tmp_path):
    directory = ModelDirectory(tmp_path)
    directory.config_path.write_text("plugins: [a, b]")
    RunRecord(directory.run_path).add_start(0, 7, {})
    with pytest.raises(UserError, match="config.yaml: not written by this package, and would be"):
        directory.check_can_resume()


def test_checkpoints_of_other_programs_are_not_resumed(tmp_path):
    write_foreign_checkpoint(tmp_path / "checkpoints")
    with pytest.raises(UserError, match="checkpoints: not written by a training run, which also"):
        ModelDirectory(tmp_path).check_can_resume()


def test_the_model_file_keeps_its_link_and_permissions(tmp_path):
    directory, target = ModelDirectory(tmp_path / "model"), tmp_path / "large" / "file"
    write_toy_model(directory.path)
    model = directory.load_model()
    target.parent.mkdir()
    directory.model_path.replace(target)
    directory.model_path.symlink_to(target)
    target.chmod(0o640)
    content = target.read_bytes()
    model.trainable_weights[0].assign(model.trainable_weights[0] + 1)
    directory.save_model(model)
    assert directory.model_path.is_symlink() and target.read_bytes() != content
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(target.parent) == ["file"]
