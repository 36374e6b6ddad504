from typing import Annotated

import pytest
from pydantic import ValidationError

from keras_seq2seq import config as config_package
from keras_seq2seq.config import Config, options_that_may_change
from keras_seq2seq.config.config import unused_options
from keras_seq2seq.config.option_types import Option, PositiveInt
from keras_seq2seq.config.section import Section


class Declarations:
    size: Annotated[PositiveInt | None, Option("Size of an example.")] = 3


class Declared(Declarations, Section):
    """An example."""


def test_a_section_inherits_declarations():
    assert Declared().size == 3
    assert Declared(size=4).size == 4
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Declared(size=0)
    schema = Declared.model_json_schema()
    assert schema["properties"]["size"]["description"] == "Size of an example."


def test_options_that_may_change_when_a_run_is_resumed():
    assert options_that_may_change() == {
        "train_steps",
        "train_epochs",
        "eval_every_n_steps",
        "early_stopping_patience",
        "save_checkpoints_steps",
        "save_checkpoints_secs",
        "keep_checkpoint_max",
        "keep_checkpoint_every_n_hours",
        "sample_translations",
        "tensorboard_embeddings",
        "profile_steps",
        "train_source",
        "train_target",
        "train_data",
        "dev_source",
        "dev_target",
        "dev_data",
        "source_column",
        "target_column",
        "vocab_source",
        "vocab_target",
        "init_from",
        "init_pattern",
        "hparams.embedding.source_file",
        "hparams.embedding.target_file",
    }


def test_options_without_effect_by_default():
    names = {".".join(path).removeprefix("hparams.") for path in unused_options(Config())}
    assert names == {
        "init_pattern",
        "source_column",
        "target_column",
        "minimum_risk.weight",
        "minimum_risk.metric",
        "decoder.teacher_forcing.decay_steps",
        "decoder.teacher_forcing.min_probability",
        "source.lowercase",
        "source.nfkc",
        "source.nbest_size",
        "target.lowercase",
        "target.nfkc",
        "target.nbest_size",
        "embedding.freeze",
        "inference.beam_search.length_penalty_weight",
        "inference.beam_search.coverage_penalty_weight",
        "inference.sampling.temperature",
        "inference.sampling.top_k",
        "inference.sampling.top_p",
        "inference.sampling.seed",
        "optimizer.lr_decay_steps",
        "optimizer.lr_decay_rate",
        "optimizer.lr_staircase",
        "optimizer.lr_plateau_factor",
        "optimizer.lr_plateau_patience",
    }


def test_options_that_need_checkpoints_to_be_dropped():
    with pytest.raises(ValidationError, match="all checkpoints are kept"):
        Config(keep_checkpoint_max=0, keep_checkpoint_every_n_hours=2)


@pytest.mark.parametrize("name", config_package.__all__)
def test_every_name_can_be_imported(name):
    assert getattr(config_package, name) is not None


@pytest.mark.parametrize(
    ("name", "new_name"), [("Inference", "InferenceOptions"), ("RnnCell", "RnnCellOptions")]
)
def test_old_names_warn(name, new_name):
    with pytest.warns(DeprecationWarning, match=f"now called {new_name}"):
        assert getattr(config_package, name) is getattr(config_package, new_name)
    with pytest.raises(AttributeError, match="has no attribute 'Outference'"):
        config_package.Outference  # noqa: B018


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": {"lowercase": True}}, "the tokenizer whitespace does not normalize text; set"),
        (
            {"source": {"min_frequency": 2, "tokenizer": "sentencepiece"}},
            "a SentencePiece model has no minimum frequency; set source.vocab_size",
        ),
        (
            {"source": {"vocab_size": 2, "tokenizer": "bytes"}},
            "the tokenizer bytes has a fixed vocabulary",
        ),
        (
            {"target": {"vocab_size": 2}},
            "the vocabulary is that of vocab_target; leave out one of them",
        ),
        (
            {"target": {"sampling_alpha": 0.1}},
            "the tokenizer whitespace has no subwords; set",
        ),
        (
            {"target": {"tokenizer": "sentencepiece", "nbest_size": 4}},
            "nothing is sampled; set target.sampling_alpha",
        ),
    ],
)
def test_options_of_other_tokenizers(options, message):
    with pytest.raises(ValidationError, match=message):
        Config(vocab_target="a.vocab", hparams=options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocab_source": "a"}, "leave out joint_vocabulary or vocab_source"),
        (
            {"hparams": {"source": {"tokenizer": "words"}, "target": {"tokenizer": "bytes"}}},
            "needs one tokenizer, but source.tokenizer and target.tokenizer differ",
        ),
        (
            {"hparams": {"source": {"vocab_size": 10}, "target": {"vocab_size": 20}}},
            "needs one tokenizer, but source.vocab_size and target.vocab_size differ",
        ),
    ],
)
def test_contradictions_of_a_joint_vocabulary(options, message):
    with pytest.raises(ValidationError, match=message):
        Config(joint_vocabulary=True, **options)


def test_the_size_of_dev_data_that_are_given_is_an_error():
    assert Config(dev_size=10).dev_size == 10
    with pytest.raises(ValidationError, match="dev_size: has no effect here: dev text is given"):
        Config(dev_size=10, dev_data="dev.tsv")


def test_the_vocabulary_file_decides_which_options_of_tokenizers_have_an_effect():
    hparams = {"source": {"sampling_alpha": 0.1, "nbest_size": 4}}
    config = Config(vocab_source="a.model", hparams=hparams)
    assert config.hparams.source.sampling_alpha == 0.1
