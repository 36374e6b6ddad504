"""What one side of a parallel text consists of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TextSummary:
    """Figures of one file, over the pairs that can be used.

    Attributes:
        path: The file.
        tokens: Number of tokens, those that will be cut off included.
        unknown_tokens: How many of them are not in the vocabulary.
        truncated: Number of sequences that are longer than the limit and will be cut.
        longest: Length of the longest sequence before cutting, the end token included.
        sha256: Fingerprint of the text. It is that of the lines, so that compressing the file or
            changing its line ends keeps it.
    """

    path: str
    tokens: int
    unknown_tokens: int
    truncated: int
    longest: int
    sha256: str

    @property
    def unknown_rate(self) -> float:
        """The share of tokens that are not in the vocabulary, from 0 to 1."""
        return self.unknown_tokens / self.tokens
