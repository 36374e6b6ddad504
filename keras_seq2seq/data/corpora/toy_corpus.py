"""The toy tasks of google/seq2seq: copying and reversing a sequence of symbols."""

from collections.abc import Callable, Sequence
from random import Random

from keras_seq2seq.errors import UserError


class ToyCorpus:
    """Random symbols, and what one rule makes of them.

    A sequence has 1 to `max_length` symbols, all lengths being equally likely. Symbols are
    numbers and, as in google/seq2seq, one that is not ASCII.

    Args:
        rule: What makes the target symbols from the source symbols.
        vocabulary_size: Number of symbols, at least 2.
        max_length: The most symbols in a sequence, at least 1.
    """

    def __init__(
        self,
        rule: Callable[[Sequence[str]], Sequence[str]],
        vocabulary_size: int,
        max_length: int,
    ):
        if vocabulary_size < 2:
            raise UserError(f"vocabulary size is {vocabulary_size}; expected at least 2")
        if max_length < 1:
            raise UserError(f"maximum length is {max_length}; expected at least 1")
        self._rule = rule
        self._max_length = max_length
        self.source_tokens = (*map(str, range(vocabulary_size - 1)), "笑")
        self.target_tokens = self.source_tokens

    def draw(self, random: Random, split: str) -> tuple[str, str]:
        """Draws a pair `(source, target)`; the same distribution in each split."""
        length = random.randint(1, self._max_length)
        symbols = random.choices(self.source_tokens, k=length)
        return " ".join(symbols), " ".join(self._rule(symbols))


def copied(symbols: Sequence[str]) -> Sequence[str]:
    """The rule of the copy task."""
    return symbols


def reversed_(symbols: Sequence[str]) -> Sequence[str]:
    """The rule of the reverse task."""
    return symbols[::-1]
