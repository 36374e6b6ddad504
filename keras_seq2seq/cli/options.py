"""Types of option values, and the options shared by several commands."""

from collections.abc import Callable
from typing import Any

import click


class ConfigNumber(click.ParamType):
    """A number as configuration files have it, `1e6` too.

    Other text is passed on as it is: the configuration refuses it and knows what is expected.
    """

    name = "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from keras_seq2seq.config.config_file import YamlError, read_yaml

        try:
            number = read_yaml(value)
        except YamlError:
            return value
        return number if type(number) in (int, float) else value


class WholeNumber(click.ParamType):
    """A whole number, refused in the words that the configuration uses.

    Args:
        least: the least value that is allowed.
    """

    name = "N"

    def __init__(self, least: int):
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        # Not int() alone: it also takes "1_0" and digits of other scripts.
        is_number = isinstance(value, int) or (value.isascii() and value.isdigit())
        if not is_number or int(value) < self.least:
            self.fail(
                f'expected a whole number of at least {self.least}, got "{value}"', param, ctx
            )
        return int(value)


_NUMBER = ConfigNumber()

# What a flag that takes a number does. Their values, names and defaults are the configuration's
# own: it refuses what is wrong, and says which options it is that a model has.
_NUMBERS = {
    "beam_width": "Hypotheses followed for each line; 1 is greedy.",
    "length_penalty_weight": "How much a beam favours long translations, 0.6 for instance.",
    "coverage_penalty_weight": "What it costs a beam's translation to leave source tokens out.",
    "temperature": "With --sample: below 1 likely tokens are drawn even more often.",
    "top_k": "With --sample: draw from so many of the likeliest tokens; 0 from all.",
    "top_p": "With --sample: draw from the likeliest tokens of this probability together.",
    "seed": "With --sample: seed of the drawing.",
    "n_best": "Translations written for each line.",
    "max_length": "Longest translation in tokens, its end included.",
    "max_length_ratio": "Longest translation in tokens for each source token, and 10 more.",
    "min_length": "Shortest translation in tokens, its end included.",
    "min_length_ratio": "Shortest translation in tokens for each source token.",
    "no_repeat_ngram_size": "Length of the n-grams that no translation repeats; 0 for none.",
}
_SWITCHES = {
    "sample": "Draw each token at random.",
    "ban_unk": "Never write an unknown word.",
    "unk_replace": "Write for an unknown word the source token that it attends to.",
}


def decoding_options(command: Callable) -> Callable:
    """Adds the flags out of `DECODING_OPTIONS`; those that are not given have the value None."""
    options = [
        click.option(f"--{name}", type=_NUMBER, help=text) for name, text in _NUMBERS.items()
    ]
    options += [
        click.option(f"--{name}/--no_{name}", default=None, help=text)
        for name, text in _SWITCHES.items()
    ]
    options += [
        click.option("--ban", metavar="TOKENS", help="Tokens that are never written, with blanks."),
        click.option(
            "--dtype",
            metavar="DTYPE",
            help="Numbers to translate with: float32, or bfloat16, which is faster where the "
            "processor multiplies it.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
