import time

from keras_seq2seq.tuning.oracles import Clock


def test_counts_on_from_earlier_starts():
    clock = Clock(budget_seconds=100)
    assert not clock.is_over
    clock.start(99.98)
    assert 0 < clock.seconds_left <= 0.02
    time.sleep(0.03)
    assert clock.is_over and clock.seconds > 100
    assert clock.seconds_left == 0


def test_without_a_budget_it_is_never_over():
    clock = Clock()
    clock.start(1e9)
    assert not clock.is_over and clock.seconds_left is None
