"""The hyper-parameters in words."""

from typing import Any, NamedTuple

from keras_seq2seq.config.hyper_parameters import HyperParameters
from keras_seq2seq.config.option_types import expected_words
from keras_seq2seq.config.section import walk_options


class OptionDescription(NamedTuple):
    """An option for the docs and the command line's help.

    Attributes:
        name: dotted name, such as `rnn_cell.num_units`.
        type: what it takes, in words.
        default: its default; None if it is not set, which the description explains.
        description: what it does.
    """

    name: str
    type: str
    default: Any
    description: str


def describe_hparams() -> list[OptionDescription]:
    """Returns every hyper-parameter, in the order of their declaration."""
    return [
        OptionDescription(".".join(path), expected_words(field), field.default, field.description)
        for path, field in walk_options(HyperParameters)
    ]
