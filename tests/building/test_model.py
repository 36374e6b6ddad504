"""Models, optimizers and searches from a configuration."""

import inspect
from typing import get_args

import keras
import numpy as np
import pytest

from keras_seq2seq.building.model import make_learning_rate, make_optimizer, make_search
from keras_seq2seq.config import InferenceOptions
from keras_seq2seq.config.hyper_parameters import HyperParameters
from keras_seq2seq.config.optimizer import OptimizerOptions
from keras_seq2seq.config.section import find_field
from keras_seq2seq.decoding import BeamSearch, GreedySearch, SamplingSearch
from keras_seq2seq.errors import UserError
from keras_seq2seq.layers import ATTENTIONS, BRIDGES, CELLS, ENCODERS
from keras_seq2seq.schedules import Plateau
from keras_seq2seq.text import TOKENIZERS, Vocabulary


def choices(annotation):
    """Returns the strings of the `Literal` in an annotation."""
    if isinstance(annotation, str):
        return {annotation}
    return set().union(*map(choices, get_args(annotation)), set())


@pytest.mark.parametrize(
    ("path", "registry"),
    [
        ("rnn_cell.type", CELLS),
        ("encoder.type", ENCODERS),
        ("attention.score_type", ATTENTIONS),
        ("bridge.type", BRIDGES),
        ("source.tokenizer", TOKENIZERS),
        ("target.tokenizer", TOKENIZERS),
    ],
)
def test_options_name_what_the_registries_have(path, registry):
    field = find_field(HyperParameters, path.split("."))
    assert choices(field.annotation) == set(registry)


@pytest.fixture
def rates(make_config):
    """The learning rates at some steps of a run of 100."""

    def rates(hparams, *steps):
        schedule = make_learning_rate(make_config(hparams), 100)
        return [pytest.approx(float(schedule(step)), rel=1e-5) for step in steps]

    return rates


def test_is_a_cosine_over_the_run_by_default(rates):
    assert [0.01, 0.005, 1e-12] == rates("", 0, 50, 100)


def test_is_constant_without_decay(make_config):
    assert make_learning_rate(make_config("optimizer.lr_decay_type=none"), 100) == 0.01


def test_warm_up_alone(rates):
    hparams = "optimizer.lr_decay_type=none, optimizer.lr_warmup_steps=10"
    assert [0.005, 0.01, 0.01] == rates(hparams, 4, 9, 99)


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


WRAPPERS = {"LossScaleOptimizer", "MultiOptimizer", "Optimizer", "OptimizerMap"}
# Whose weights are the model's only after a call at the end of training.
UNFIT = {"ScheduleFreeAdamW"}


def test_all_of_keras_can_be_named():
    classes = {name for name, _ in inspect.getmembers(keras.optimizers, inspect.isclass)}
    for name in classes - WRAPPERS - UNFIT:
        optimizer = make_optimizer(OptimizerOptions(name=name), 1e-3)
        assert isinstance(optimizer, getattr(keras.optimizers, name))
        assert optimizer.global_clipnorm == 5.0


def test_arguments_reach_it():
    options = OptimizerOptions(name="SGD", arguments={"momentum": 0.5, "nesterov": True})
    optimizer = make_optimizer(options, 1e-3)
    assert (optimizer.momentum, optimizer.nesterov) == (0.5, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum": 0.5}, "arguments.momentum: Adam has no such argument; expected one of beta"),
        ({"learning_rate": 1.0}, "arguments.learning_rate: set optimizer.learning_rate instead"),
        ({"clipnorm": 1.0}, "arguments.clipnorm: set optimizer.clip_gradients instead"),
        ({"use_ema": True}, "arguments.use_ema: set optimizer.ema_momentum instead"),
        ({"beta_1": "x"}, "arguments.beta_1: expected a number, got 'x'"),
    ],
)
def test_refuses_wrong_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        make_optimizer(OptimizerOptions(arguments=arguments), 1e-3)


def test_passes_on_what_keras_refuses():
    with pytest.raises(UserError, match="rejected by SGD: `momentum` must be a float between"):
        make_optimizer(OptimizerOptions(name="SGD", arguments={"momentum": 2.0}), 1e-3)


def test_gradients_of_several_steps_are_one_update():
    gradients = [np.array([3.0, 0.0]), np.array([1.0, 8.0])]
    weight = keras.Variable([1.0, 1.0])
    options = OptimizerOptions(name="SGD", gradient_accumulation_steps=2, clip_gradients=2.0)
    optimizer = make_optimizer(options, 0.5)
    optimizer.build([weight])
    values = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")])
        values.append(weight.numpy())
    np.testing.assert_array_equal(values[0], [1.0, 1.0])
    # The mean is (2, 4), whose norm is cut to 2; 0.5 of it is taken.
    update = np.array([2.0, 4.0]) / np.sqrt(20) * 2 * 0.5
    np.testing.assert_allclose(values[1], 1.0 - update, rtol=1e-6)


def test_keeps_a_moving_average_of_the_weights():
    weight = keras.Variable(1.0)
    optimizer = make_optimizer(
        OptimizerOptions(name="SGD", ema_momentum=0.75, clip_gradients=0.0), 1.0
    )
    optimizer.build([weight])
    values = []
    for gradient in (-1.0, -2.0, -4.0):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
        values.append(float(weight.numpy()))
    assert values == [2.0, 4.0, 8.0]
    optimizer.finalize_variable_values([weight])
    assert float(weight.numpy()) == 0.75 * (0.75 * 2.0 + 0.25 * 4.0) + 0.25 * 8.0


VOCABULARY = Vocabulary(["a", "b", "c"])


def test_greedy_by_default():
    search = make_search(InferenceOptions(max_decode_length=7, min_length_ratio=0.5), VOCABULARY)
    assert type(search) is GreedySearch
    assert search.constraints.max_length == 7
    assert search.constraints.min_length_ratio == 0.5


def test_a_beam():
    beam = {"beam_width": 3, "length_penalty_weight": 0.6, "coverage_penalty_weight": 0.2}
    options = InferenceOptions(
        beam_search=beam, n_best=2, ban_unk=True, ban=("c",), max_length_ratio=2.0
    )
    search = make_search(options, VOCABULARY, return_tree=True)
    assert type(search) is BeamSearch
    assert (search.width, search.length_penalty, search.coverage_penalty) == (3, 0.6, 0.2)
    assert (search.n_best, search.return_tree) == (2, True)
    assert search.constraints.banned_ids == (0, 1, 2, 6)
    assert search.constraints.max_length_ratio == 2.0


def test_sampling():
    sampling = {"temperature": 0.5, "top_k": 4, "top_p": 0.9, "seed": 3}
    search = make_search(InferenceOptions(sample=True, sampling=sampling, n_best=5), VOCABULARY)
    assert type(search) is SamplingSearch
    assert (search.temperature, search.top_k, search.top_p, search.n_best) == (0.5, 4, 0.9, 5)


def test_a_token_that_is_not_there_cannot_be_banned():
    with pytest.raises(UserError, match='ban: "d" is not in the target vocabulary'):
        make_search(InferenceOptions(ban=("a", "d")), VOCABULARY)
    with pytest.raises(UserError, match="use ban_unk for unknown words"):
        make_search(InferenceOptions(ban=("<unk>",)), VOCABULARY)


def test_only_a_beam_has_a_tree():
    with pytest.raises(UserError, match="the beam search tree needs a beam_width of at least 2"):
        make_search(InferenceOptions(), VOCABULARY, return_tree=True)
