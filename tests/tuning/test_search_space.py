import pytest
from keras_tuner import HyperParameters
from keras_tuner.engine.trial import Trial

from keras_seq2seq.config import resolve_config
from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning import parse_space

SPACE = {
    "model": {"choice": ["AttentionSeq2Seq", "BasicSeq2Seq"]},
    "attention.dim": {"choice": [8, 16], "when": {"model": "AttentionSeq2Seq"}},
    "optimizer.learning_rate": {"log": [1e-4, 1e-2]},
    "rnn_cell.dropout_input_keep_prob": {"choice": [0.7, 0.85, 1.0]},
    "source.reverse": {"choice": [True, False]},
    "buckets": {"choice": [[], [5, 10]]},
    "rnn_cell.num_layers": {"range": [1, 3]},
}
VALUES = {
    "model": "AttentionSeq2Seq",
    "attention.dim": 16,
    "optimizer.learning_rate": 0.001274,
    "rnn_cell.dropout_input_keep_prob": 0.85,
    "source.reverse": True,
    "buckets": [5, 10],
    "rnn_cell.num_layers": 3,
}


def encode(space, values):
    return {name: space[name].encode(value) for name, value in values.items()}


def test_creates_configurations():
    config = parse_space(SPACE).config_for(resolve_config(flags={"batch_size": 7}), VALUES)
    assert (config.batch_size, config.buckets, config.hparams.source.reverse) == (7, (5, 10), True)
    assert config.hparams.attention.dim == 16
    assert config.hparams.rnn_cell.num_layers == 3
    assert config.hparams.optimizer.learning_rate == 0.001274


def test_values_survive_the_transfer_to_a_worker():
    space = parse_space(SPACE)
    hyper_parameters = space.to_keras_tuner()
    hyper_parameters.values = encode(space, VALUES)
    received = Trial.from_proto(Trial(hyper_parameters, "0").to_proto())
    assert space.decode(received.hyperparameters.values) == VALUES


def test_an_option_whose_condition_is_not_met_is_left_out():
    space = parse_space(SPACE)
    values = encode(space, VALUES | {"model": "BasicSeq2Seq"})
    assert "attention.dim" not in space.decode(values)
    tuned = space.to_keras_tuner()
    tuned.values = values
    assert not tuned.is_active("attention.dim")
    tuned.values["model"] = "AttentionSeq2Seq"
    assert tuned.is_active("attention.dim")


def test_values_of_the_tuner_are_ignored():
    space = parse_space({"batch_size": {"choice": [1, 2]}})
    assert space.decode({"batch_size": 2, "tuner/epochs": 3}) == {"batch_size": 2}


def test_random_values_are_within_the_space():
    space = parse_space(SPACE)
    for dimension in space.to_keras_tuner().space:
        for seed in range(50):
            value = space[dimension.name].decode(dimension.random_sample(seed))
            assert space[dimension.name].contains(value)


def test_fractions_have_four_digits_and_stay_within_the_range():
    rate = parse_space(SPACE)["optimizer.learning_rate"]
    assert rate.decode(0.00127449) == 0.001274
    assert rate.decode(0.0099999) == 0.01
    odd = parse_space({"optimizer.learning_rate": {"log": [0.12344, 0.5]}})
    assert odd["optimizer.learning_rate"].decode(0.123441) == 0.12344


def test_positions_run_from_0_to_1():
    space = parse_space(SPACE)
    assert space["optimizer.learning_rate"].position(1e-3) == pytest.approx(0.5)
    assert space["rnn_cell.num_layers"].position(2) == pytest.approx(0.5)
    assert space["rnn_cell.dropout_input_keep_prob"].position(1.0) == 1
    assert [space["source.reverse"].position(value) for value in (True, False)] == [0, 1]


def test_checks_that_options_are_compatible():
    space = SPACE | {"attention.dim": {"choice": [8, 16]}}
    parse_space(SPACE).check(resolve_config())
    with pytest.raises(UserError, match="attention.dim: has no effect.*model=BasicSeq2Seq"):
        parse_space(space, "space.yaml").check(resolve_config())


def test_checks_that_options_match_the_configuration():
    space = parse_space({"optimizer.lr_decay_type": {"choice": ["none", "exponential_decay"]}})
    config = resolve_config(
        hparams="optimizer.lr_decay_type=exponential_decay,optimizer.lr_decay_rate=0.5"
    )
    with pytest.raises(UserError, match="lr_decay_rate: has no effect.*lr_decay_type=none"):
        space.check(config)


def test_conditional_options_can_be_searched():
    space = {
        "optimizer.lr_decay_type": {"choice": ["none", "exponential_decay"]},
        "optimizer.lr_decay_rate": {
            "range": [0.5, 0.9],
            "when": {"optimizer.lr_decay_type": "exponential_decay"},
        },
    }
    parse_space(space).check(resolve_config())
    del space["optimizer.lr_decay_rate"]["when"]
    with pytest.raises(UserError, match="lr_decay_rate: has no effect.*lr_decay_type=none"):
        parse_space(space).check(resolve_config())


def test_large_spaces_are_sampled():
    options = ("attention.dim", "rnn_cell.num_units", "embedding.dim", "batch_size")
    space = parse_space({name: {"choice": list(range(1, 21))} for name in options})
    combinations = list(space.combinations())
    assert len(combinations) == 1000
    assert len({tuple(values.values()) for values in combinations}) > 900


def test_converts_to_keras_tuner():
    assert isinstance(parse_space(SPACE).to_keras_tuner(), HyperParameters)
