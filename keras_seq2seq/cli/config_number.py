"""Numbers of the configuration on the command line."""

from typing import Any

import click


class ConfigNumber(click.ParamType):
    """A number as configuration files have it, `1e6` too.

    Other text is passed on as it is: the configuration refuses it and knows what is expected.
    """

    name = "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from keras_seq2seq.config.yaml_dialect import YamlError, read_yaml

        try:
            number = read_yaml(value)
        except YamlError:
            return value
        return number if type(number) in (int, float) else value
