import pytest

from keras_seq2seq.config import parse_hparams
from keras_seq2seq.errors import UserError


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
