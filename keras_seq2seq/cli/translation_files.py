"""The files that `keras-seq2seq translate` writes beside translations."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from keras_seq2seq.errors import UserError

if TYPE_CHECKING:
    from keras_seq2seq.translator import Translation, Translator


class TranslationFiles:
    """Writes pictures of attention and pages of beams, a file for each line.

    Args:
        attention_dir: Where pictures go, a new or an empty directory; None for none.
        beam_dir: Where pages go, likewise.

    Raises:
        UserError: If a directory has files, or cannot be written.
    """

    def __init__(self, attention_dir: str | None, beam_dir: str | None):
        from keras_seq2seq.plots import AttentionDirectory, BeamDirectory

        self._pictures = attention_dir and AttentionDirectory(attention_dir)
        self._pages = beam_dir and BeamDirectory(beam_dir)

    def check(self, translator: Translator):
        """Checks that there will be something to write.

        Raises:
            UserError: If not.
        """
        if self._pictures and not translator.model.has_attention:
            raise UserError("--attention_dir: the model has no attention; leave it out")

    def write(self, number: int, translation: Translation, translator: Translator):
        """Writes the files of a line.

        Args:
            number: The number of the line, 1 for the first.
            translation: What was made of it. There are no pages of empty lines.
            translator: What made it.
        """
        best = translation.best
        if self._pictures:
            self._pictures.write(number, translation.source_tokens, best.tokens, best.attention)
        if self._pages and translation.tree is not None:
            tokenizer = translator.targets.tokenizer
            self._pages.write(
                number,
                translation.tree,
                translator.targets.vocabulary.to_tokens,
                [
                    (hypothesis.ids, hypothesis.score)
                    for hypothesis in translation.hypotheses
                    if isfinite(hypothesis.score)
                ],
                source=translator.sources.tokenizer.join(translation.source_tokens),
                separator=" " if " " in tokenizer.join(["a", "b"]) else "",
            )
