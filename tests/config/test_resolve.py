from pathlib import Path

import pytest
from pydantic import ValidationError

from keras_seq2seq.config import Config, InferenceOptions, override_decoding, resolve_config
from keras_seq2seq.config.section import walk_options
from keras_seq2seq.errors import UserError


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def message_of(*args, **kwargs):
    with pytest.raises(UserError) as error:
        resolve_config(*args, **kwargs)
    return str(error.value)


def test_defaults():
    config = resolve_config()
    assert config.model == "AttentionSeq2Seq"
    assert config.batch_size == 64
    assert config.buckets == "auto"
    assert config.eval_every_n_steps == 1000
    assert config.seed == 1
    unset = ("train_source", "train_target", "dev_source", "dev_target", "vocab_source")
    for name in (*unset, "vocab_target", "train_steps", "train_epochs"):
        assert getattr(config, name) is None


def test_later_files_beat_earlier_ones_and_flags_beat_files(write):
    first = write("first.yaml", "batch_size: 1\nseed: 1\ntrain_steps: 1\nhparams.embedding.dim: 1")
    second = write(
        "second.yaml", "seed: 2\ntrain_steps: 2\nhparams: {attention.dim: 2, source.max_seq_len: 2}"
    )
    config = resolve_config(
        [first, second], {"train_steps": 3, "seed": None}, "source.max_seq_len=3"
    )
    assert (config.batch_size, config.seed, config.train_steps) == (1, 2, 3)
    hparams = config.hparams
    assert (hparams.embedding.dim, hparams.attention.dim, hparams.source.max_seq_len) == (1, 2, 3)
    assert hparams.target.max_seq_len == 40


def test_paths_may_be_path_objects_and_addresses():
    flags = {"train_source": Path("a") / "b", "dev_source": "gs://bucket/dev"}
    config = resolve_config(flags=flags)
    assert config.train_source == str(Path("a") / "b")
    assert config.dev_source == "gs://bucket/dev"


def test_several_files_and_columns(tmp_path):
    flags = {"train_source": ("a",), "train_target": ["a", Path("b")]}
    flags |= {"dev_data": "dev.tsv", "source_column": "1", "target_column": "de"}
    config = resolve_config(flags=flags)
    assert (config.train_source, config.train_target) == ("a", ("a", "b"))
    assert (config.source_column, config.target_column) == (1, "de")
    config.save(tmp_path / "config.yaml")
    assert Config.load(tmp_path / "config.yaml") == config


@pytest.mark.parametrize(
    ("value", "buckets"),
    [
        ("10,15,20", (10, 15, 20)),
        ("8x10, 10,12x8", ("8x10", 10, "12x8")),
        ("auto", "auto"),
        (" 10, 15\n", (10, 15)),
        ("10", (10,)),
        (10, (10,)),
        ([10, 15], (10, 15)),
        ((), ()),
    ],
)
def test_buckets(value, buckets):
    assert resolve_config(flags={"buckets": value}).buckets == buckets


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("10,5", '"10,5"'),
        ("10,10", '"10,10"'),
        ("0,10", '"0,10"'),
        ("-5,10", '"-5,10"'),
        ("10,x", '"10,x"'),
        ("10,,20", '"10,,20"'),
        ("1_0", '"1_0"'),
        ("10x0", '"10x0"'),
        ("10x", '"10x"'),
        ("Auto", '"Auto"'),
        ("", '""'),
        ([10, 12.5], "[10, 12.5]"),
        ([True, 2], "[True, 2]"),
        (12.5, "12.5"),
    ],
)
def test_wrong_buckets(value, shown):
    assert message_of(flags={"buckets": value}) == (
        "--buckets: expected increasing whole numbers of at least 1, such as 10,15,20, or lengths "
        f"of source and target, such as 10x12,15x15, or auto, got {shown}"
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"batch_type": "tokens"}, "batch_type: tokens also needs a batch_size, such as 2048"),
        (
            {"batch_type": "tokens", "batch_size": 2048, "buckets": ()},
            "batch_type: tokens needs buckets, such as auto",
        ),
        (
            {"bucket_batch_sizes": "8,4", "buckets": "10,20"},
            "bucket_batch_sizes: expected 3 numbers, got 2 numbers",
        ),
        (
            {"bucket_batch_sizes": "8,4", "buckets": "auto"},
            "bucket_batch_sizes: expected buckets with explicit lengths, got 2 numbers",
        ),
        (
            {"bucket_batch_sizes": "8,4", "buckets": "10", "batch_size": 8},
            "batch_size: has no effect here: bucket_batch_sizes sets the size of every batch; "
            "leave out one of the two",
        ),
    ],
)
def test_options_of_batches_that_do_not_go_together(flags, message):
    name, _, message = message.partition(": ")
    assert message_of(flags=flags) == f"--{name}: {message}"


def test_batches_of_each_bucket():
    flags = {"bucket_batch_sizes": "8, 4", "buckets": 10}
    assert resolve_config(flags=flags).bucket_batch_sizes == (8, 4)
    assert message_of(flags={"bucket_batch_sizes": "8,x", "buckets": "10"}) == (
        '--bucket_batch_sizes: expected whole numbers of at least 1, such as 128,64,32, got "8,x"'
    )


PATH = "expected the path of a file, or a list of paths"
COLUMN = "expected the name of a column, or its number starting with 1"
A_LOT = ("'a', " * 20)[:59]
WHOLE = "expected a whole number of at least 1, got "


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"batch_size": 0}, f"--batch_size: {WHOLE}0"),
        ({"batch_size": "8"}, f'--batch_size: {WHOLE}"8"'),
        ({"train_steps": -1}, f"--train_steps: {WHOLE}-1"),
        ({"train_epochs": 0.5}, f"--train_epochs: {WHOLE}0.5"),
        ({"eval_every_n_steps": 0}, f"--eval_every_n_steps: {WHOLE}0"),
        ({"seed": -1}, "--seed: expected a whole number from 0 to 4294967295, got -1"),
        ({"train_source": ""}, f'--train_source: {PATH}, got ""'),
        ({"train_source": []}, f"--train_source: {PATH}, got []"),
        ({"train_source": ["a", 1]}, f'--train_source: {PATH}, got ["a", 1]'.replace('"', "'")),
        (
            {"train_source": ["a"] * 1001},
            f"--train_source: expected at most 1,000 files or patterns, got [{A_LOT}...",
        ),
        ({"source_column": 0}, f"--source_column: {COLUMN}, got 0"),
        ({"source_column": True}, f"--source_column: {COLUMN}, got true"),
        ({"source_column": ""}, f'--source_column: {COLUMN}, got ""'),
        (
            {"train_data": "a.tsv", "source_column": "a"},
            "--source_column: needs a target_column, too",
        ),
        (
            {"train_data": "a.tsv", "train_source": "a"},
            "--train_data: cannot be combined with train_source; leave out one of them",
        ),
        (
            {"source_column": "a", "target_column": "b"},
            "--source_column: has no effect here: no table to read; leave it out or set train_data "
            "or dev_data",
        ),
        ({"model": "Basic"}, '--model: expected AttentionSeq2Seq or BasicSeq2Seq, got "Basic"'),
    ],
)
def test_wrong_flag(flags, message):
    assert message_of(flags=flags) == message


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("rnn_cell.num_units=12.5", f"{WHOLE}12.5"),
        ("rnn_cell.num_units=true", f"{WHOLE}true"),
        ("rnn_cell.num_units=abc", f'{WHOLE}"abc"'),
        ("rnn_cell.num_units=", f"{WHOLE}nothing"),
        ("rnn_cell.num_units=0", f"{WHOLE}0"),
        ("encoder.rnn_cell.num_units=0", f"{WHOLE}0"),
        ("rnn_cell.dropout_input_keep_prob=0", "expected a number above 0 and at most 1, got 0"),
        ("rnn_cell.dropout_output_keep_prob=2", "expected a number above 0 and at most 1, got 2"),
        ("rnn_cell.residual_connections=1", "expected true or false, got 1"),
        ("source.reverse=yes", 'expected true or false, got "yes"'),
        ("rnn_cell.type=RNN", 'expected LSTMCell or GRUCell, got "RNN"'),
        ("rnn_cell.type=1", "expected LSTMCell or GRUCell, got 1"),
        ("bridge.type=Zero", 'expected zero, pass_through or dense, got "Zero"'),
        ("optimizer.learning_rate=0", "expected a number above 0, got 0"),
        ("optimizer.learning_rate=true", "expected a number above 0, got true"),
        ("optimizer.learning_rate=1e999", "expected a number above 0, got inf"),
        ("optimizer.clip_gradients=-1", "expected a number of at least 0, got -1"),
        ("optimizer.label_smoothing=1", "expected a number of at least 0 and below 1, got 1"),
        ("optimizer.lr_decay_steps=1.5", f"{WHOLE}1.5"),
        (
            "optimizer.lr_decay_type=polynomial_decay",
            "expected exponential_decay, inverse_time_decay, natural_exp_decay, "
            'inverse_square_root, cosine, plateau or none, got "polynomial_decay"',
        ),
        (
            "optimizer.arguments=3",
            "expected arguments of the Keras optimizer, such as optimizer.arguments.beta_2=0.98, "
            "got 3",
        ),
        ("optimizer.lr_plateau_factor=1", "expected a number above 0 and below 1, got 1"),
        ("rnn_cell=3", "expected options such as rnn_cell.type, got 3"),
        ("rnn_cell.num_units=16385", "expected at most 16384, got 16385"),
        ("decoder.rnn_cell.num_layers=101", "expected at most 100, got 101"),
        ("rnn_cell.dropout_input_keep_prob=1e-30", "expected at least 0.001, got 1e-30"),
        ("inference.beam_search.beam_width=1000000000", "expected at most 1000, got 1000000000"),
        ("inference.sampling.temperature=1e-9", "expected at least 0.001, got 1e-09"),
        ("optimizer.lr_decay_steps=1e15", "expected at most 1000000000000, got 1000000000000000"),
        ("optimizer.learning_rate=1e300", "expected at most 1000000000, got 1e+300"),
    ],
)
def test_wrong_hyper_parameter(item, message):
    assert message_of(hparams=item) == f"--hparams: {item.partition('=')[0]}: {message}"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("rnn_cell.num_layer", 'did you mean "rnn_cell.num_layers"?'),
        ("rnn_cel.num_layers", 'did you mean "rnn_cell.num_layers"?'),
        ("decoder.rnn_cell.num_unit", 'did you mean "decoder.rnn_cell.num_units"?'),
        ("num_units", 'did you mean "rnn_cell.num_units"?'),
        ("max_seq_len", 'did you mean "source.max_seq_len" or "target.max_seq_len"?'),
        ("beam_width", 'did you mean "inference.beam_search.beam_width"?'),
        ("attention.num_units", "expected one of dim, score_type"),
        (
            "embedding.dim.size",
            "expected one of dim, share, source_file, target_file, tie_output, word_dropout, "
            "freeze",
        ),
        (
            "momentum",
            "expected one of rnn_cell, encoder, decoder, attention, bridge, source, target, "
            "filter, embedding, inference, optimizer, minimum_risk",
        ),
    ],
)
def test_unknown_hyper_parameter(name, hint):
    assert message_of(hparams=f"{name}=1") == f'--hparams: unknown option "{name}"; {hint}'


def test_errors_in_a_file_name_the_file_and_the_option(write):
    good = write("good.yaml", "batch_size: 8")
    bad = write("bad.yaml", "hparams.rnn_cell: {num_units: many}")
    assert message_of([bad, good], hparams="rnn_cell.num_units=3") == (
        f'{bad}: hparams.rnn_cell.num_units: {WHOLE}"many"'
    )
    bad.write_text("batch_sise: 8")
    assert message_of([good, bad]) == (
        f'{bad}: unknown option "batch_sise"; did you mean "batch_size"?'
    )
    bad.write_text("rnn_cell.num_units: 8")
    assert message_of([good, bad]) == (
        f'{bad}: unknown option "rnn_cell.num_units"; did you mean "hparams.rnn_cell.num_units"?'
    )
    bad.write_text("hparams:\n")
    assert message_of([good, bad]) == (
        f"{bad}: hparams: expected options such as hparams.rnn_cell.type, got nothing"
    )


@pytest.mark.parametrize(
    ("hparams", "name", "reason"),
    [
        ("embedding.freeze=true", "embedding.freeze", "no pretrained vectors are loaded"),
        (
            "embedding.share=true, embedding.target_file=x",
            "embedding.target_file",
            "embedding.share uses one table for both sides",
        ),
    ],
)
def test_embedding_options_without_effect(hparams, name, reason):
    assert message_of(hparams=hparams).startswith(
        f"--hparams: {name}: has no effect here: {reason}"
    )


def test_warm_start():
    assert message_of(flags={"init_pattern": "encoder"}).startswith(
        "--init_pattern: has no effect here: no model to initialize from"
    )
    assert message_of(flags={"init_pattern": "(", "init_from": "dir"}) == (
        '--init_pattern: expected a regular expression, got "("'
    )


@pytest.mark.parametrize("item", ["attention.dim=128", "attention.score_type=dot"])
def test_attention_without_a_model_that_has_it(item):
    name = item.partition("=")[0]
    assert message_of(flags={"model": "BasicSeq2Seq"}, hparams=item) == (
        f"--hparams: {name}: has no effect here: BasicSeq2Seq has no attention; "
        "leave it out or use the model AttentionSeq2Seq"
    )


@pytest.mark.parametrize(
    "item",
    [
        "lr_decay_steps=1",
        "lr_decay_rate=0.99",
        "lr_start_decay_at=1",
        "lr_stop_decay_at=1",
        "lr_min_learning_rate=0",
        "lr_staircase=true",
        "lr_plateau_factor=0.1",
        "lr_plateau_patience=1",
    ],
)
def test_decay_options_without_a_decay(item):
    name = item.partition("=")[0]
    assert message_of(hparams=f"optimizer.lr_decay_type=none, optimizer.{item}") == (
        f"--hparams: optimizer.{name}: has no effect here: the learning rate is constant; "
        "leave it out or set optimizer.lr_decay_type"
    )


@pytest.mark.parametrize(
    ("decay_type", "name", "types"),
    [
        ("cosine", "lr_decay_rate", "exponential_decay, inverse_time_decay or natural_exp_decay"),
        ("plateau", "lr_staircase", "exponential_decay, inverse_time_decay or natural_exp_decay"),
        ("exponential_decay", "lr_plateau_factor", "plateau"),
    ],
)
def test_decay_options_of_another_decay(decay_type, name, types):
    value = "true" if name == "lr_staircase" else "0.5"
    text = f"optimizer.lr_decay_type={decay_type}, optimizer.{name}={value}"
    assert message_of(hparams=text) == (
        f"--hparams: optimizer.{name}: has no effect here: {decay_type} does not use it; "
        f"leave it out or set optimizer.lr_decay_type to {types}"
    )


def test_options_that_only_go_together_may_come_from_different_sources(write):
    decay = write("decay.yaml", "hparams.optimizer.lr_decay_rate: 0.5")
    config = resolve_config([decay], hparams="optimizer.lr_decay_type=exponential_decay")
    assert config.hparams.optimizer.lr_decay_rate == 0.5
    attention = write("attention.yaml", "hparams.attention.dim: 5")
    assert message_of([attention], {"model": "BasicSeq2Seq"}).startswith(
        f"{attention}: hparams.attention.dim: has no effect here: "
    )


@pytest.mark.parametrize("name", ["lr_start_decay_at", "lr_warmup_steps"])
def test_decay_must_start_before_it_stops(name):
    text = "optimizer.lr_decay_type=exponential_decay,optimizer.lr_stop_decay_at=100,"
    assert message_of(hparams=text + f"optimizer.{name}=100") == (
        f"--hparams: optimizer.{name}: "
        "expected a step before optimizer.lr_stop_decay_at (100), got 100"
    )
    decay = resolve_config(hparams=text + f"optimizer.{name}=99").hparams.optimizer
    assert getattr(decay, name) == 99


def test_a_long_value_is_shortened():
    message = message_of(flags={"model": "x" * 1000})
    assert len(message) < 150
    assert "\n" not in message_of(flags={"model": "a\nb"})


def test_python_callers_get_the_same_checks():
    with pytest.raises(ValidationError, match="has no effect here: BasicSeq2Seq has no attention"):
        Config(model="BasicSeq2Seq", hparams={"attention": {"dim": 3}})
    with pytest.raises(TypeError, match="output_dir"):
        resolve_config(flags={"output_dir": "x"})


@pytest.mark.parametrize("value", ["100,110", "100, 110", [100, 110]], ids=str)
def test_profile_steps(value):
    assert resolve_config(flags={"profile_steps": value}).profile_steps == (100, 110)


@pytest.mark.parametrize("value", ["100", "110,100", "0,5", "1,2,3", "1_0,20", 7], ids=str)
def test_wrong_profile_steps(value):
    message = message_of(flags={"profile_steps": value})
    assert "expected a first and a last step, such as 100,110" in message


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
    assert inference == InferenceOptions(**expected)


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
            "beam_width: has no effect here: sampling uses no beam",
        ),
        (
            {"max_length": 5, "min_length": 6},
            "min_length: has no effect here: the maximum length is 5",
        ),
        (
            {"max_length": 5, "no_repeat_ngram_size": 6},
            "no_repeat_ngram_size: has no effect here: the maximum length is 5",
        ),
        (
            {"ban_unk": True, "unk_replace": True},
            "unk_replace: has no effect here: ban_unk excludes unknown tokens",
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
    with pytest.raises(TypeError, match=r"got beam_with; did you mean beam_width\?"):
        override_decoding(config(), {"beam_with": 5})


def test_a_configuration_is_checked_alike():
    with pytest.raises(ValueError, match="it needs a beam_width of at least 2"):
        config(beam_search={"length_penalty_weight": 0.6})
    # Nothing is nothing, with and without a beam.
    config(beam_search={"beam_width": 0, "length_penalty_weight": 0.0})


def test_optimizer_arguments_have_bounds():
    for number in ("1e999", "1e30", "-1e30", "9" * 400):
        message = message_of(hparams=f"optimizer.arguments.beta_2={number}")
        assert message.startswith(
            "--hparams: optimizer.arguments: expected numbers of at most 1000000000, got {"
        )
        assert len(message) < 200


@pytest.mark.parametrize("path", [path for path, _ in walk_options(Config)], ids=".".join)
def test_every_number_has_an_upper_bound(path):
    *sections, name = path
    for value in (10**40, 1e40, f"10,{10**40}"):
        options = {name: value}
        for section in reversed(sections):
            options = {section: options}
        try:
            Config.model_validate(options)
        except ValidationError:
            continue
        # Only text may be that long.
        assert isinstance(value, str)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"batch_size": 10**23}, "--batch_size: expected at most 1000000, got 1000000000"),
        ({"sample_translations": 1001}, "--sample_translations: expected at most 1000, got 1001"),
        ({"buckets": f"10,{'9' * 5000}"}, "--buckets: expected numbers of at most 1000000, got "),
        ({"buckets": "10x20,1000001x3"}, "--buckets: expected numbers of at most 1000000, got "),
        ({"buckets": [*range(1, 1002)]}, "--buckets: expected at most 1000 numbers, got [1, 2"),
        (
            {"bucket_batch_sizes": [10**7]},
            "--bucket_batch_sizes: expected numbers of at most 1000000, got [10000000]",
        ),
    ],
)
def test_flags_have_upper_bounds(flags, message):
    found = message_of(flags=flags)
    assert found.startswith(message)
    assert len(found) < 200


@pytest.mark.parametrize("value", ["[null]", "[a, [b]]", "[1]"])
def test_a_wrong_item_of_a_list(write, value):
    path = write("run.yaml", f"hparams.inference.ban: {value}\n")
    with pytest.raises(UserError) as error:
        resolve_config([path])
    assert str(error.value).startswith(
        f"{path}: hparams.inference.ban: expected tokens separated by spaces, got "
    )
