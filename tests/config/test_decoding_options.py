import pytest

from keras_seq2seq.config import Config, Inference, override_decoding
from keras_seq2seq.errors import UserError


def config(model="AttentionSeq2Seq", **inference):
    return Config(model=model, hparams={"inference": inference})


BEAM = {"beam_search": {"beam_width": 4, "length_penalty_weight": 0.6}, "max_decode_length": 30}


def test_options_replace_those_of_the_model():
    options = {"beam_width": 8, "n_best": 2, "max_length": 50, "ban": "a ß", "top_k": None}
    inference = override_decoding(config(**BEAM), options).hparams.inference
    expected = {
        "beam_search": {"beam_width": 8, "length_penalty_weight": 0.6},
        "n_best": 2,
        "max_decode_length": 50,
        "ban": ("a", "ß"),
    }
    assert inference == Inference(**expected)


def test_none_replaces_nothing():
    assert override_decoding(config(**BEAM), {}) == config(**BEAM)


def test_what_the_model_says_may_lose_its_effect():
    inference = override_decoding(config(**BEAM), {"sample": True, "top_p": 0.9}).hparams.inference
    assert inference.sampling.top_p == 0.9
    inference = override_decoding(config(**BEAM), {"beam_width": 1}).hparams.inference
    assert inference.beam_search.beam_width == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_width": "x"}, 'beam_width: expected a whole number of at least 0, got "x"'),
        ({"top_p": 1.5}, "top_p: expected a probability above 0 and at most 1, got 1.5"),
        ({"temperature": 2}, "temperature: has no effect here: it needs sample"),
        (
            {"length_penalty_weight": 0.6, "beam_width": 1},
            "length_penalty_weight: has no effect here: it needs a beam_width of at least 2",
        ),
        (
            {"n_best": 5},
            "n_best: has no effect here: it needs sample, or a beam_width of at least 5",
        ),
        (
            {"sample": True, "beam_width": 5},
            "beam_width: has no effect here: sample draws at random, without a beam",
        ),
        (
            {"max_length": 5, "min_length": 6},
            "min_length: has no effect here: the greatest length is 5",
        ),
        (
            {"ban_unk": True, "unk_replace": True},
            "unk_replace: has no effect here: ban_unk lets no unknown word be written",
        ),
    ],
)
def test_an_option_without_effect_is_an_error(options, message):
    with pytest.raises(UserError) as error:
        override_decoding(config(), options)
    assert str(error.value) == message


def test_a_model_without_attention():
    for options in ({"unk_replace": True}, {"beam_width": 3, "coverage_penalty_weight": 0.2}):
        with pytest.raises(UserError, match="has no effect here: BasicSeq2Seq has no attention"):
            override_decoding(config("BasicSeq2Seq"), options)


def test_an_unknown_option():
    with pytest.raises(TypeError, match="got beam_with"):
        override_decoding(config(), {"beam_with": 5})


def test_a_configuration_is_checked_alike():
    with pytest.raises(ValueError, match="it needs a beam_width of at least 2"):
        config(beam_search={"length_penalty_weight": 0.6})
    # Nothing is nothing, with and without a beam.
    config(beam_search={"beam_width": 0, "length_penalty_weight": 0.0})
