from itertools import product

from keras_tuner.engine.trial import TrialStatus

SPACE = {
    "batch_size": {"choice": [8, 16]},
    "rnn_cell.num_layers": {"range": [1, 3]},
    "rnn_cell.residual_connections": {
        "choice": [True, False],
        "when": {"rnn_cell.num_layers": [2, 3]},
    },
}
# Two combinations each for two and for three layers.
EXPECTED = [
    (batch_size, layers, residual)
    for batch_size, layers in product((8, 16), (1, 2, 3))
    for residual in ((None,) if layers == 1 else ("true", "false"))
]


def run(oracle, trials=None):
    values = []
    while len(values) != trials:
        trial = oracle.create_trial("tuner0")
        if trial.status == TrialStatus.STOPPED:
            break
        oracle.update_trial(trial.trial_id, {"dev_loss": 1.0})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
        found = trial.hyperparameters.values
        values.append(tuple(found.get(name) for name in SPACE))
    return values


def test_tries_each_combination_once(make_search_oracle):
    assert run(make_search_oracle("grid", SPACE)) == EXPECTED


def test_resumes_at_its_position(make_search_oracle):
    first = run(make_search_oracle("grid", SPACE), 4)
    oracle = make_search_oracle("grid", SPACE)
    oracle.reload()
    assert first + run(oracle) == EXPECTED


def test_stops_at_the_maximum_number_of_trials(make_search_oracle):
    assert run(make_search_oracle("grid", SPACE, max_trials=3)) == EXPECTED[:3]


def test_tries_ten_values_of_a_continuous_range(make_search_oracle):
    oracle = make_search_oracle("grid", {"optimizer.learning_rate": {"log": [1e-3, 1e-1]}})
    rates = [values["optimizer.learning_rate"] for values in oracle.combinations()]
    assert len(rates) == 10 and rates == sorted(rates)
    assert 1e-3 < rates[0] < rates[-1] < 1e-1
