import os

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seq2seq.config import (
    Config,
    dump_config,
    load_config_file,
    parse_hparams,
    resolve_config,
)
from keras_seq2seq.errors import UserError


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "run.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        "batch_size: 8\nhparams: {rnn_cell: {num_units: 256, type: GRUCell}}",
        "batch_size: 8\nhparams:\n  rnn_cell.num_units: 256\n  rnn_cell.type: GRUCell",
        "batch_size: 8\nhparams:\n  rnn_cell.num_units: 256\n  rnn_cell: {type: GRUCell}",
        "hparams.rnn_cell.num_units: 256\nhparams.rnn_cell: {type: GRUCell}\nbatch_size: 8",
        "\ufeffbatch_size: 8\r\nhparams.rnn_cell.num_units: 256\r\nhparams.rnn_cell.type: GRUCell",
    ],
)
def test_nested_and_dotted_names(write, text):
    assert load_config_file(write(text)) == {
        "batch_size": 8,
        "hparams": {"rnn_cell": {"num_units": 256, "type": "GRUCell"}},
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ": expected options such as batch_size: 32, got nothing"),
        ("# nothing\n", ": expected options such as batch_size: 32, got nothing"),
        ("- batch_size", ": expected options such as batch_size: 32, got a list"),
        ("batch_size", ": expected options such as batch_size: 32, got a single value"),
        ("a: 1\nb: c: d", ":2: not valid YAML: mapping values are not allowed here"),
        ("a: [1,\nb: 2", ":2: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\nb: 2\na: 3", ':3: option "a" is given twice'),
        ("a: {b: 1}\na.b: 2", ': option "a.b" is given twice'),
        ("a: 1\n? [b]\n: 2", ":2: expected the name of an option before the colon"),
        ("a: &x {b: *x}", ":1: a value contains itself"),
        ("a: 1\nb: &x [1, [*x]]", ":2: a value contains itself"),
        ("a: " + "[" * 3000, ": not valid YAML: a value cannot be read"),
        (b"a: 1\nb: \xe9", ":2: expected UTF-8 text"),
        (b"a: 1\nb: \0", ":2: expected text, got a control character"),
    ],
)
def test_error_names_the_place(write, content, message):
    path = write(content)
    with pytest.raises(UserError) as error:
        load_config_file(path)
    assert str(error.value) == f"{path}{message}"


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(UserError, match="none.yaml: no such file"):
        load_config_file(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="is a directory; expected a regular file"):
        load_config_file(tmp_path)


def test_save_and_load(tmp_path):
    config = resolve_config(
        flags={"train_source": "grüße.txt", "buckets": "10,20"}, hparams="rnn_cell.num_units=7"
    )
    path = tmp_path / "config.yaml"
    path.write_text("batch_size: 1")
    config.save(path)
    assert Config.load(path) == config
    assert [file.name for file in tmp_path.iterdir()] == ["config.yaml"]


def test_failed_save_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "config.yaml"
    path.write_text("batch_size: 1")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        Config().save(path)
    assert path.read_text() == "batch_size: 1"
    assert [file.name for file in tmp_path.iterdir()] == ["config.yaml"]


def test_a_file_that_was_cut_off_is_an_error(tmp_path):
    path = tmp_path / "config.yaml"
    config = resolve_config(hparams="inference.beam_search.beam_width=10")
    config.save(path)
    content = path.read_bytes()
    for length in range(len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match="incomplete file|expected options"):
            Config.load(path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: [*lines, "batch_size: 7"],
        lambda lines: [lines[0], "batch_size: 7", *lines[1:]],
        lambda lines: ["batch_size: 7", *lines[1:-1]],
        lambda lines: [f"{line}\r" for line in [*lines[:-1], "batch_size: 7", lines[-1]]],
    ],
)
def test_a_saved_file_may_be_edited(tmp_path, edit):
    path = tmp_path / "config.yaml"
    Config().save(path)
    lines = [line for line in path.read_text().splitlines() if not line.startswith("batch_size")]
    path.write_text("\n".join(edit(lines)))
    assert Config.load(path) == Config(batch_size=7)


def test_load_names_the_mistake(write):
    path = write("hparams:\n  rnn_cell:\n    num_unit: 3")
    with pytest.raises(UserError) as error:
        Config.load(path)
    assert str(error.value) == (
        f'{path}: unknown option "hparams.rnn_cell.num_unit"; '
        'did you mean "hparams.rnn_cell.num_units"?'
    )


def test_dump_has_the_order_of_the_declaration_and_only_what_has_an_effect():
    text = dump_config(resolve_config(flags={"model": "BasicSeq2Seq", "batch_size": 8}))
    content = yaml.safe_load(text)
    assert list(content) == [
        "model",
        "joint_vocabulary",
        "batch_size",
        "batch_type",
        "buckets",
        "eval_every_n_steps",
        "best_metric",
        "dtype",
        "keep_checkpoint_max",
        "keep_checkpoint_every_n_hours",
        "sample_translations",
        "tensorboard_embeddings",
        "seed",
        "hparams",
    ]
    assert list(content["hparams"]) == [
        "rnn_cell",
        "source",
        "target",
        "filter",
        "embedding",
        "inference",
        "optimizer",
    ]
    assert content["hparams"]["optimizer"] == {
        "name": "Adam",
        "learning_rate": 0.001,
        "lr_decay_type": "cosine",
        "lr_warmup_steps": 0,
        "lr_start_decay_at": 0,
        "lr_stop_decay_at": 1000000000,
        "lr_min_learning_rate": 1e-12,
        "clip_gradients": 5.0,
        "gradient_accumulation_steps": 1,
        "ema_momentum": 0.0,
        "label_smoothing": 0.1,
        "r_drop": 0.0,
    }


def optionally(**options):
    """Dicts with any of the options."""
    return st.fixed_dictionaries({}, optional=options)


COUNTS = st.integers(1, 100)
FRACTIONS = st.floats(0.001, 1)
POSITIVE = st.floats(0.001, 1000)
PATHS = st.text(min_size=1) | st.sampled_from(["\x85", "1e-3", "no", "010", "null", "~", "1:30"])
TOKENIZERS = st.sampled_from(["whitespace", "characters"])
CELLS = optionally(
    type=st.sampled_from(["LSTMCell", "GRUCell"]),
    num_units=COUNTS,
    num_layers=COUNTS,
    dropout_input_keep_prob=FRACTIONS,
    dropout_output_keep_prob=FRACTIONS,
    residual_connections=st.booleans(),
)
OPTIMIZERS = {
    "name": st.sampled_from(["Adam", "SGD", "RMSprop"]),
    "learning_rate": POSITIVE,
    "lr_warmup_steps": st.integers(0, 1000),
    "arguments": st.dictionaries(
        st.sampled_from(["beta_1", "momentum", "nesterov"]), FRACTIONS | st.booleans() | PATHS
    ),
    "clip_gradients": POSITIVE,
    "label_smoothing": st.floats(0, 1, exclude_max=True),
}
DECAYS = st.fixed_dictionaries(
    {"lr_decay_type": st.sampled_from(["exponential_decay", "natural_exp_decay"])},
    optional=OPTIMIZERS
    | {
        "lr_decay_steps": COUNTS,
        "lr_decay_rate": POSITIVE,
        "lr_start_decay_at": st.integers(0, 1000),
        "lr_stop_decay_at": st.integers(1001, 10**12),
        "lr_min_learning_rate": POSITIVE,
        "lr_staircase": st.booleans(),
    },
)
BEAMS = {"length_penalty_weight": POSITIVE, "coverage_penalty_weight": st.just(0.0)}
WORDS = st.sampled_from(["a", "ß", "笑", "null", "<unk>", "a:b"])
HPARAMS = {
    "rnn_cell": CELLS,
    "encoder": optionally(
        type=st.sampled_from(["BidirectionalEncoder", "UnidirectionalEncoder"]), rnn_cell=CELLS
    ),
    "decoder": optionally(rnn_cell=CELLS),
    "bridge": optionally(type=st.sampled_from(["zero", "pass_through", "dense"])),
    "source": optionally(max_seq_len=COUNTS, reverse=st.booleans(), tokenizer=TOKENIZERS),
    "target": optionally(max_seq_len=COUNTS, tokenizer=TOKENIZERS),
    "embedding": optionally(dim=COUNTS, share=st.booleans()),
    "inference": optionally(max_decode_length=COUNTS, ban=st.lists(WORDS), ban_unk=st.booleans())
    | st.fixed_dictionaries(
        {"beam_search": st.fixed_dictionaries({"beam_width": st.integers(2, 99)}, optional=BEAMS)}
    )
    | st.fixed_dictionaries(
        {"sample": st.just(True)},
        optional={"sampling": optionally(top_k=COUNTS, temperature=POSITIVE), "n_best": COUNTS},
    ),
    "optimizer": optionally(**OPTIMIZERS) | DECAYS,
}
ATTENTION = optionally(dim=COUNTS, score_type=st.sampled_from(["bahdanau", "dot"]))
FLAGS = {
    "train_source": PATHS | st.lists(PATHS, min_size=2, max_size=3),
    "train_target": PATHS,
    "dev_source": PATHS,
    "dev_target": PATHS,
    "vocab_source": PATHS,
    "vocab_target": PATHS,
    "batch_size": COUNTS,
    "buckets": st.sets(COUNTS).map(sorted) | st.sampled_from(["auto", ["8x10", "10x8", "12"]]),
    "train_steps": COUNTS,
    "train_epochs": COUNTS,
    "eval_every_n_steps": COUNTS,
    "best_metric": st.sampled_from(["loss", "bleu", "exact_match"]),
    "seed": st.integers(0, 2**32 - 1),
}
CONFIGS = optionally(
    model=st.just("AttentionSeq2Seq"), hparams=optionally(attention=ATTENTION, **HPARAMS), **FLAGS
) | st.fixed_dictionaries(
    {"model": st.just("BasicSeq2Seq")}, optional=FLAGS | {"hparams": optionally(**HPARAMS)}
)


@pytest.fixture(scope="module")
def config_path(tmp_path_factory):
    return tmp_path_factory.mktemp("config") / "config.yaml"


@settings(deadline=None)
@given(options=CONFIGS)
def test_round_trip(config_path, options):
    config = Config(**options)
    config.save(config_path)
    again = Config.load(config_path)
    assert again == config
    assert again.model_dump_json() == config.model_dump_json()
    assert dump_config(again) == dump_config(config)


def test_the_originals_example():
    text = """rnn_cell.num_layers=2,
  rnn_cell.type=GRUCell,
  rnn_cell.num_units=128,
  source.max_seq_len=40,
  target.max_seq_len=40"""
    assert parse_hparams(text) == {
        "rnn_cell": {"num_layers": 2, "type": "GRUCell", "num_units": 128},
        "source": {"max_seq_len": 40},
        "target": {"max_seq_len": 40},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-2", -2),
        ("010", 10),
        ("true", True),
        ("false", False),
        ("no", "no"),
        ("1:30", "1:30"),
        ("2017-01-01", "2017-01-01"),
        ("GRUCell", "GRUCell"),
        ("'1e-3'", "1e-3"),
        ("", None),
        (" null ", None),
    ],
)
def test_value(text, value):
    parsed = parse_hparams(f"a={text}")["a"]
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("text", ["", " \n", ",", "\n,,\n"])
def test_nothing(text):
    assert parse_hparams(text) == {}


def test_blanks_and_empty_items():
    assert parse_hparams(" ,a.b = 1 ,\n\n c=x ,\r\n") == {"a": {"b": 1}, "c": "x"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=1,rnn_cell.type", '--hparams: expected name=value, got "rnn_cell.type"'),
        ("=3", '--hparams: expected name=value, got "=3"'),
        ("a.b=1,a.b=1", '--hparams: option "a.b" is given twice'),
        ("a=1,a.b=1", '--hparams: option "a.b" is given twice'),
        ("a.b=1,a=1", '--hparams: option "a" is given twice'),
        ("a=1\n  b=2", '--hparams: expected a comma before "b=2"'),
        ("a=[1", '--hparams: a: cannot read "[1"'),
        ("a=!!bool x", '--hparams: a: cannot read "!!bool x"'),
        ("a=\0", '--hparams: a: cannot read "\\u0000"'),
        ("a=" + "9" * 5000, f'--hparams: a: cannot read "{"9" * 59}...'),
    ],
)
def test_error(text, message):
    with pytest.raises(UserError) as error:
        parse_hparams(text)
    assert str(error.value) == message


def test_aliases_of_aliases_do_not_multiply(tmp_path):
    # Ten levels of ten are ten billion values.
    lines = ["x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]" for i in range(1, 10)]
    path = tmp_path / "config.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match="too many values; expected at most 100000"):
        load_config_file(path)
    # A few are fine.
    path.write_text("\n".join(lines[:3]))
    assert sum(len(row) for rows in load_config_file(path)["x2"] for row in rows) == 1000


def test_endless_files_are_refused(tmp_path):
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    with pytest.raises(UserError, match="zero.yaml: is a device"):
        load_config_file(tmp_path / "zero.yaml")
    (tmp_path / "large.yaml").write_text("# a comment\n" * 30_000)
    with pytest.raises(UserError, match="large.yaml: larger than 262144 bytes"):
        load_config_file(tmp_path / "large.yaml")


def test_a_path_that_is_not_utf8(tmp_path):
    config = Config(train_source=os.fsdecode(b"gr\xfc\xdfe.txt"))
    config.save(tmp_path / "config.yaml")
    assert Config.load(tmp_path / "config.yaml") == config


@pytest.mark.parametrize("value", ["&x {<<: *x}", "&x [*x]", "&x {b: *x}"])
def test_a_value_of_hparams_must_not_contain_itself(value):
    with pytest.raises(UserError, match="--hparams: attention.dim: cannot read"):
        parse_hparams(f"attention.dim={value}")
