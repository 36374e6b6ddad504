"""Replacement of unknown words in translations."""

import math
import os
from collections.abc import Mapping, Sequence

import numpy as np

from keras_seq2seq.errors import UserError
from keras_seq2seq.files import read_lines
from keras_seq2seq.special_tokens import SPECIAL_TOKENS, UNKNOWN_ID
from keras_seq2seq.text import Tokenizer

_UNKNOWN = SPECIAL_TOKENS[UNKNOWN_ID]


class UnkReplacement:
    """Replaces each `<unk>` with the translation of its most attended source token.

    Args:
        mapping: Translations of source tokens: a dictionary, or the path of a file as read by
            `load_mapping`. Source tokens that are not in it are copied. By default, all are copied.

    Example:
        >>> replacement = UnkReplacement({"Berlins": "Berlin's"})
        >>> replacement(["<unk>", "<unk>"], ["Berlins", "Zoo"], np.eye(2))
        ["Berlin's", 'Zoo']

    Reference:
        - Luong et al., 2015, "Addressing the Rare Word Problem in Neural Machine Translation",
          https://arxiv.org/abs/1410.8206
        - Jean et al., 2015, "On Using Very Large Target Vocabulary for Neural Machine
          Translation", https://arxiv.org/abs/1412.2007, section 4.1
    """

    def __init__(self, mapping: Mapping[str, str] | str | os.PathLike = ()):
        is_path = isinstance(mapping, (str, os.PathLike))
        self.mapping = load_mapping(mapping) if is_path else dict(mapping)

    def __call__(
        self,
        tokens: Sequence[str],
        source_tokens: Sequence[str],
        attention: np.ndarray,
        tokenizers: tuple[Tokenizer, Tokenizer] | None = None,
    ) -> list[str]:
        """Returns the tokens with each `<unk>` replaced.

        Args:
            tokens: Target tokens.
            source_tokens: Source tokens.
            attention: Attention weights, floats of shape `(tokens, source_tokens)`.
            tokenizers: Those of both sides, to convert the source tokens that are copied. By
                default, they are not converted.
        """
        replaced = list(tokens)
        for position, token in enumerate(tokens):
            if token == _UNKNOWN:
                source_token = source_tokens[int(attention[position].argmax())]
                if source_token in self.mapping:
                    replaced[position] = self.mapping[source_token]
                elif tokenizers is None:
                    replaced[position] = source_token
                else:
                    previous = tokens[position - 1] if position else None
                    replaced[position] = copy_token(source_token, *tokenizers, previous)
        return replaced


def copy_token(token: str, source: Tokenizer, target: Tokenizer, previous: str | None) -> str:
    """Converts a source token to a target token with the same text.

    Args:
        token: The source token.
        source: The tokenizer of the source side.
        target: The tokenizer of the target side.
        previous: The target token before it, `None` at the beginning.

    Returns:
        The token itself if both sides join it with others in the same way, otherwise its text. The
        text begins with a space if the token begins a word and there is no space before it yet.
    """
    # After another token, so that the text shows whether the token begins a word.
    text = source.detokenize(["a", token])
    if text == target.detokenize(["a", token]):
        return token
    text = text.removeprefix("a")
    follows_space = previous is None or target.detokenize(["a", previous, "a"]).endswith(" a")
    return text.strip() if follows_space else text


def load_mapping(path: str | os.PathLike) -> dict[str, str]:
    """Reads the most probable translation of each source token.

    Args:
        path: File with lines `source<TAB>target<TAB>probability`, plain or compressed. The
            probability can be a logarithm and defaults to 1. If a source token has several
            targets, the most probable one is used; the first one in case of a tie.

    Returns:
        A dictionary from source to target tokens.

    Raises:
        UserError: If the file cannot be read or a line is malformed. The message includes the line
            number.
    """
    best: dict[str, tuple[float, str]] = {}
    for number, line in enumerate(read_lines(path), 1):
        if not line:
            continue
        source, target, probability = _read_entry(line, f"{path}:{number}")
        if source not in best or probability > best[source][0]:
            best[source] = probability, target
    return {source: target for source, (_, target) in best.items()}


def _read_entry(line: str, place: str) -> tuple[str, str, float]:
    columns = line.split("\t")
    try:
        source, target = columns[:2]
        (probability,) = columns[2:] or ["1"]
        probability = float(probability)
    except ValueError:
        probability = math.nan
    if math.isnan(probability) or not source or not target:
        raise UserError(
            f'{place}: expected "source<TAB>target<TAB>probability" or "source<TAB>target", '
            f"got {line[:60]!r}"
        )
    return source, target, probability
