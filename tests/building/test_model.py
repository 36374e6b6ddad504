"""The names that options accept are those of the registries."""

from typing import get_args

import pytest

from keras_seq2seq.config.hyper_parameters import HyperParameters
from keras_seq2seq.config.section import find_field
from keras_seq2seq.layers import ATTENTIONS, BRIDGES, CELLS, ENCODERS
from keras_seq2seq.text import TOKENIZERS


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
