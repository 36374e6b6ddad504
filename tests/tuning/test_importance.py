import numpy as np
import pytest

from keras_seq2seq.tuning import Objective, TrialRecord, parse_space
from keras_seq2seq.tuning.importance import option_importance
from keras_seq2seq.tuning.trial_record import COMPLETED, FAILED

SPACE = parse_space(
    {
        "optimizer.learning_rate": {"log": [1e-4, 1e-1]},
        "batch_size": {"choice": [8, 16, 32]},
        "source.reverse": {"choice": [True, False]},
    }
)


def make_records(objective, count=40, units=lambda number: 9):
    chance = np.random.default_rng(1)
    records = []
    for number in range(count):
        values = {
            "optimizer.learning_rate": float(10 ** chance.uniform(-4, -1)),
            "batch_size": int(chance.choice([8, 16, 32])),
            "source.reverse": bool(chance.choice([True, False])),
        }
        value = objective(values, units(number))
        records.append(
            TrialRecord(str(number), values, units=units(number), status=COMPLETED, objective=value)
        )
    return records


@pytest.mark.parametrize("name", ["dev_loss", "dev_bleu"])
def test_finds_what_makes_the_difference(name):
    records = make_records(lambda values, _: abs(np.log10(values["optimizer.learning_rate"]) + 2.5))
    shares = option_importance(records, SPACE, Objective.parse(name))
    assert list(shares)[0] == "optimizer.learning_rate"
    assert shares["optimizer.learning_rate"] > 0.85
    assert sum(shares.values()) == pytest.approx(1)


def test_switches_count_too():
    records = make_records(lambda values, _: 1.0 if values["source.reverse"] else 2.0)
    assert list(option_importance(records, SPACE, Objective.parse("dev_loss")))[0] == (
        "source.reverse"
    )


def test_what_long_training_does_is_not_taken_for_an_option():
    records = make_records(lambda values, units: 1 / units, units=lambda number: 3 ** (number % 3))
    shares = option_importance(records, SPACE, Objective.parse("dev_loss"))
    assert list(shares)[0] == "length of training"
    assert shares["length of training"] > 0.85


def test_too_few_trials_or_no_difference_tell_nothing():
    objective = Objective.parse("dev_loss")
    records = make_records(lambda values, _: values["optimizer.learning_rate"])
    failed = [record.changed(status=FAILED) for record in records[5:]]
    assert option_importance(records[:5] + failed, SPACE, objective) == {}
