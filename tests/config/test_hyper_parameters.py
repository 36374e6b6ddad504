import pytest
from pydantic import ValidationError

from keras_seq2seq.config import HyperParameters, RnnCellOptions, describe_hparams, resolve_config

DEFAULTS = {
    "rnn_cell.type": "LSTMCell",
    "rnn_cell.num_units": 256,
    "rnn_cell.num_layers": 1,
    "rnn_cell.dropout_input_keep_prob": 0.7,
    "rnn_cell.dropout_output_keep_prob": 0.7,
    "rnn_cell.residual_connections": False,
    "rnn_cell.variational_dropout": False,
    "rnn_cell.layer_normalization": False,
    "encoder.type": None,
    "encoder.concat_inputs": False,
    "encoder.rnn_cell.type": None,
    "encoder.rnn_cell.num_units": None,
    "encoder.rnn_cell.num_layers": None,
    "encoder.rnn_cell.dropout_input_keep_prob": None,
    "encoder.rnn_cell.dropout_output_keep_prob": None,
    "encoder.rnn_cell.residual_connections": None,
    "encoder.rnn_cell.variational_dropout": None,
    "encoder.rnn_cell.layer_normalization": None,
    "decoder.context_skip": False,
    "decoder.rnn_cell.type": None,
    "decoder.rnn_cell.num_units": None,
    "decoder.rnn_cell.num_layers": None,
    "decoder.rnn_cell.dropout_input_keep_prob": None,
    "decoder.rnn_cell.dropout_output_keep_prob": None,
    "decoder.rnn_cell.residual_connections": None,
    "decoder.rnn_cell.variational_dropout": None,
    "decoder.rnn_cell.layer_normalization": None,
    "decoder.teacher_forcing.decay_type": None,
    "decoder.teacher_forcing.decay_steps": 10_000,
    "decoder.teacher_forcing.min_probability": 0.0,
    "attention.dim": 256,
    "attention.score_type": "bahdanau",
    "bridge.type": None,
    "source.max_seq_len": 40,
    "source.reverse": False,
    "source.tokenizer": None,
    "source.vocab_size": None,
    "source.min_frequency": None,
    "source.lowercase": False,
    "source.nfkc": False,
    "source.sampling_alpha": 0.0,
    "source.nbest_size": 16,
    "target.max_seq_len": 40,
    "target.tokenizer": None,
    "target.vocab_size": None,
    "target.min_frequency": None,
    "target.lowercase": False,
    "target.nfkc": False,
    "target.sampling_alpha": 0.0,
    "target.nbest_size": 16,
    "filter.duplicates": False,
    "filter.identical": False,
    "filter.length_ratio": None,
    "filter.source_script": None,
    "filter.target_script": None,
    "filter.too_long": False,
    "embedding.dim": 256,
    "embedding.share": False,
    "embedding.source_file": None,
    "embedding.target_file": None,
    "embedding.tie_output": True,
    "embedding.word_dropout": 0.0,
    "embedding.freeze": False,
    "inference.beam_search.beam_width": 0,
    "inference.beam_search.length_penalty_weight": 0.0,
    "inference.beam_search.coverage_penalty_weight": 0.0,
    "inference.sample": False,
    "inference.sampling.temperature": 1.0,
    "inference.sampling.top_k": 0,
    "inference.sampling.top_p": 1.0,
    "inference.sampling.seed": 1,
    "inference.n_best": 1,
    "inference.max_decode_length": 100,
    "inference.max_length_ratio": None,
    "inference.min_length": 0,
    "inference.min_length_ratio": 0.0,
    "inference.no_repeat_ngram_size": 0,
    "inference.ban_unk": False,
    "inference.ban": (),
    "inference.unk_replace": False,
    "inference.dtype": None,
    "optimizer.name": "Adam",
    "optimizer.arguments": {},
    "optimizer.learning_rate": 1e-3,
    "optimizer.lr_decay_type": "cosine",
    "optimizer.lr_warmup_steps": 0,
    "optimizer.lr_decay_steps": 100,
    "optimizer.lr_decay_rate": 0.99,
    "optimizer.lr_start_decay_at": 0,
    "optimizer.lr_stop_decay_at": 10**9,
    "optimizer.lr_min_learning_rate": 1e-12,
    "optimizer.lr_staircase": False,
    "optimizer.lr_plateau_factor": 0.5,
    "optimizer.lr_plateau_patience": 3,
    "optimizer.clip_gradients": 5.0,
    "optimizer.gradient_accumulation_steps": 1,
    "optimizer.ema_momentum": 0.0,
    "optimizer.label_smoothing": 0.1,
    "optimizer.r_drop": 0.0,
    "minimum_risk.num_samples": None,
    "minimum_risk.weight": 0.7,
    "minimum_risk.metric": "bleu",
}


def value_of(hparams, name):
    for part in name.split("."):
        hparams = getattr(hparams, part)
    return hparams


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_default(name, default):
    value = value_of(HyperParameters(), name)
    assert value == default
    assert type(value) is type(default)


def test_description_lists_every_option_with_its_default():
    described = describe_hparams()
    assert {option.name: option.default for option in described} == DEFAULTS
    assert [option.name for option in described] == list(DEFAULTS)
    assert all(option.description.endswith(".") for option in described)


def test_description_says_what_an_option_takes():
    types = {option.name: option.type for option in describe_hparams()}
    assert types["rnn_cell.num_units"] == "a whole number of at least 1"
    assert types["encoder.rnn_cell.num_units"] == "a whole number of at least 1"
    assert types["bridge.type"] == "zero, pass_through or dense"
    assert types["source.reverse"] == "true or false"


def test_each_side_overrides_every_option_of_the_cell():
    options = {option.name: option for option in describe_hparams()}
    for name in RnnCellOptions.model_fields:
        override = options[f"encoder.rnn_cell.{name}"]
        assert override.type == options[f"rnn_cell.{name}"].type
        assert override.description == f"Overrides rnn_cell.{name} for this side."


def test_each_side_may_have_its_own_cell():
    text = """rnn_cell.type=GRUCell, rnn_cell.num_units=64, rnn_cell.residual_connections=true,
        encoder.rnn_cell.num_layers=4,
        decoder.rnn_cell.num_units=32, decoder.rnn_cell.residual_connections=false"""
    hparams = resolve_config(hparams=text).hparams
    assert hparams.encoder_cell == RnnCellOptions(
        type="GRUCell", num_units=64, num_layers=4, residual_connections=True
    )
    assert hparams.decoder_cell == RnnCellOptions(
        type="GRUCell", num_units=32, num_layers=1, residual_connections=False
    )


@pytest.mark.parametrize(
    ("name", "spelling", "value"),
    [
        ("rnn_cell.type", "BasicLSTMCell", "LSTMCell"),
        ("decoder.rnn_cell.type", "BasicLSTMCell", "LSTMCell"),
        ("encoder.type", "BidirectionalRNNEncoder", "BidirectionalEncoder"),
        ("encoder.type", "UnidirectionalRNNEncoder", "UnidirectionalEncoder"),
        ("optimizer.name", "RMSProp", "RMSprop"),
        ("optimizer.lr_decay_type", "", "none"),
        ("optimizer.lr_decay_type", "none", "none"),
        ("optimizer.lr_decay_type", "exponential_decay", "exponential_decay"),
        ("optimizer.learning_rate", "1", 1.0),
        ("optimizer.learning_rate", "1e-4", 1e-4),
        ("optimizer.clip_gradients", "0", 0.0),
    ],
)
def test_accepted_spelling(name, spelling, value):
    assert value_of(resolve_config(hparams=f"{name}={spelling}").hparams, name) == value


def test_steps_may_be_written_with_an_exponent():
    text = "optimizer.lr_decay_type=exponential_decay, optimizer.lr_stop_decay_at=1e6"
    stop = resolve_config(hparams=text).hparams.optimizer.lr_stop_decay_at
    assert stop == 1_000_000
    assert type(stop) is int


def test_arguments_of_the_optimizer_are_dotted_names():
    text = "optimizer.name=SGD, optimizer.arguments.momentum=0.9, optimizer.arguments.nesterov=true"
    arguments = resolve_config(hparams=text).hparams.optimizer.arguments
    assert arguments == {"momentum": 0.9, "nesterov": True}


def test_values_cannot_be_changed_past_their_check():
    with pytest.raises(ValidationError):
        HyperParameters().rnn_cell.num_units = -1
