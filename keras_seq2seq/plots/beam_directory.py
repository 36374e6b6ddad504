"""A page with the beam search's tree for each sentence."""

import os

from keras_seq2seq.data.atomic_file import atomic_file
from keras_seq2seq.plots.beam_page import write_beam_page
from keras_seq2seq.plots.numbered_files import NumberedFiles


class BeamDirectory:
    """Writes a page for each sentence: `000007.html` for the seventh.

    Args:
        directory: A new or an empty directory.

    Raises:
        UserError: If the directory has files, or cannot be written.
    """

    def __init__(self, directory: str | os.PathLike):
        self._files = NumberedFiles(directory)

    def write(self, number: int, tree, to_tokens, hypotheses, **options):
        """Writes the page of a sentence.

        Args:
            number: The number of the sentence, 1 for the first.
            tree, to_tokens, hypotheses, **options: As `write_beam_page` takes them.

        Raises:
            ValueError: If a hypothesis is not in the tree.
            OSError: If the file cannot be written.
        """
        with atomic_file(self._files.path(number, ".html")) as file:
            write_beam_page(file, tree, to_tokens, hypotheses, **options)
