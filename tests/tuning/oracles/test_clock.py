import time

from keras_seq2seq.tuning.oracles import Budget


def test_counts_on_from_earlier_starts():
    budget = Budget(budget_seconds=100)
    assert not budget.is_over
    budget.start(99.98)
    assert 0 < budget.seconds_left <= 0.02
    time.sleep(0.03)
    assert budget.is_over and budget.seconds > 100
    assert budget.seconds_left == 0


def test_without_a_budget_it_is_never_over():
    budget = Budget()
    budget.start(1e9)
    assert not budget.is_over and budget.seconds_left is None
