import pytest
from harness.toy_model import SOURCES, TARGET_TOKENS, write_toy_model

from keras_seq2seq.config import Config
from keras_seq2seq.data import Vocabulary
from keras_seq2seq.errors import UserError
from keras_seq2seq.model_directory import ModelDirectory
from keras_seq2seq.models import Ensemble
from keras_seq2seq.scoring import Scorer
from keras_seq2seq.translator import Translator


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
    assert message().startswith(f"source.reverse is not that of {model_dirs[0]}; models decode")
    Config(hparams={"target": {"tokenizer": "characters"}}).save(directory.config_path)
    assert message().startswith("target.tokenizer is not that of")
    # As many, in another order.
    Vocabulary(TARGET_TOKENS[::-1]).save(directory.target_vocabulary_path)
    assert message().startswith("target vocabulary is not that of")


def test_no_directory():
    with pytest.raises(UserError, match="no model directory; expected at least one"):
        Translator.load([])
