import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.training.learning_rate import make_learning_rate
from keras_seq2seq.training.schedules import Plateau


@pytest.fixture
def rates(make_config):
    """The learning rates at some steps of a run of 100."""

    def rates(hparams, *steps):
        schedule = make_learning_rate(make_config(hparams), 100)
        return [pytest.approx(float(schedule(step)), rel=1e-5) for step in steps]

    return rates


def test_is_constant_by_default(make_config):
    assert make_learning_rate(make_config(), 100) == 0.01


def test_warm_up_alone(rates):
    assert [0.005, 0.01, 0.01] == rates("optimizer.lr_warmup_steps=10", 4, 9, 99)


def test_a_decay_starts_after_the_warm_up(rates):
    hparams = "optimizer.lr_warmup_steps=10, optimizer.lr_decay_type="
    exponential = "exponential_decay, optimizer.lr_decay_steps=10, optimizer.lr_decay_rate=0.5"
    assert [0.005, 0.01, 0.005] == rates(hparams + exponential, 4, 10, 20)
    assert [0.005, 0.01, 0.005] == rates(hparams + "inverse_square_root", 4, 10, 40)
    # The cosine ends where the run does: 45 steps are half of its way.
    assert [0.005, 0.01, 0.005, 1e-12] == rates(hparams + "cosine", 4, 10, 55, 100)


def test_limits_of_the_decay(rates):
    hparams = (
        "optimizer.lr_start_decay_at=20, optimizer.lr_stop_decay_at=40,"
        "optimizer.lr_min_learning_rate=0.004, optimizer.lr_decay_type="
    )
    assert [0.01, 0.007, 0.004, 0.004] == rates(hparams + "cosine", 20, 30, 40, 99)
    assert [0.01, 0.01 * 0.5**0.5] == rates(hparams + "inverse_square_root", 20, 99)


def test_plateau_listens_to_the_metric_of_the_best_model(make_config):
    hparams = (
        "optimizer.lr_decay_type=plateau, optimizer.lr_warmup_steps=5,"
        "optimizer.lr_plateau_patience=1, optimizer.lr_plateau_factor=0.1"
    )
    schedule = make_learning_rate(make_config(hparams, best_metric="bleu"), 100)
    assert isinstance(schedule, Plateau)
    for step in (4, 10, 20):
        schedule.observe({"step": step, "dev_loss": 1.0 / step, "dev_bleu": 30.0})
    # The evaluation in the warm-up does not count, the first after it is the best.
    assert float(schedule(20)) == pytest.approx(0.001)


def test_refuses_a_cosine_without_time(make_config):
    config = make_config("optimizer.lr_decay_type=cosine, optimizer.lr_warmup_steps=100")
    with pytest.raises(UserError, match="would start at step 100, but the run ends at step 100"):
        make_learning_rate(config, 100)
