"""The text of `--hparams`."""

from typing import Any

from keras_seq2seq.config.nested_options import GivenTwiceError, set_option
from keras_seq2seq.config.show import show
from keras_seq2seq.config.yaml_dialect import YamlError, read_yaml
from keras_seq2seq.errors import UserError


def parse_hparams(text: str) -> dict[str, Any]:
    """Reads `name=value` items with commas between them.

    Newlines and blanks around items, and empty items, are allowed. Values are read as YAML.
    Names and values are not checked: `resolve_config` does that.

    Args:
        text: the items.

    Returns:
        A nested dict.

    Raises:
        UserError: if an item has no `=`, a value cannot be read, or a name comes twice.

    Example:
        >>> parse_hparams("rnn_cell.num_layers=2, rnn_cell.type=GRUCell")
        {'rnn_cell': {'num_layers': 2, 'type': 'GRUCell'}}
    """
    options: dict[str, Any] = {}
    for item in filter(None, (item.strip() for item in text.split(","))):
        name, equals, value = item.partition("=")
        name = name.strip()
        if not equals or not name:
            raise UserError(f"--hparams: expected name=value, got {show(item)}")
        if len(lines := item.splitlines()) > 1:
            raise UserError(f"--hparams: expected a comma before {show(lines[-1].strip())}")
        try:
            set_option(options, name, read_yaml(value))
        except YamlError as error:
            raise UserError(f"--hparams: {name}: cannot read {show(value)}") from error
        except GivenTwiceError as error:
            raise UserError(f"--hparams: {error}") from error
    return options
