"""A page with the beam search's tree for each sentence."""

import os
from collections.abc import Callable, Iterable, Sequence

from keras_seq2seq.data.atomic_file import atomic_file
from keras_seq2seq.plots.beam_page import write_beam_page
from keras_seq2seq.plots.numbered_files import NumberedFiles


class BeamDirectory:
    """Writes a page for each sentence: `000007.html` for the seventh.

    Args:
        directory: A new or an empty directory.
        to_tokens: Turns ids into tokens, such as `Vocabulary.to_tokens`.
        separator: What stands between tokens in text.

    Raises:
        UserError: If the directory has files, or cannot be written.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        to_tokens: Callable[[Iterable[int]], list[str]],
        separator: str = " ",
    ):
        self._files = NumberedFiles(directory)
        self._to_tokens = to_tokens
        self._separator = separator

    def write(
        self, number: int, tree, hypotheses: Sequence[tuple[Sequence[int], float]], source: str = ""
    ):
        """Writes the page of a sentence.

        Args:
            number: The number of the sentence, 1 for the first.
            tree, hypotheses, source: As `write_beam_page` takes them.

        Raises:
            ValueError: If a hypothesis is not in the tree.
            OSError: If the file cannot be written.
        """
        with atomic_file(self._files.path(number, ".html")) as file:
            write_beam_page(file, tree, self._to_tokens, hypotheses, source, self._separator)
