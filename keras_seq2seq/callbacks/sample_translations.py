"""A few translations to look at while a model trains."""

import io
import os
import re
from collections.abc import Sequence

import tensorflow as tf
from rich.console import Console
from rich.text import Text

from keras_seq2seq.plots import save_attention_heatmap
from keras_seq2seq.translator import Translator

# What Markdown, or HTML in it, could read as more than a character.
_MARKUP = re.compile(r"[^\w\s]", re.ASCII)


class SampleTranslations:
    """Translates the same few sentences at every evaluation, for the terminal and TensorBoard.

    TensorBoard shows them as a table, and where the model looked as pictures.

    Args:
        translator: Translates with the weights of the moment.
        sources: The sentences.
        references: What they should become.
        log_dir: The directory for `tensorboard --logdir`, where they are the run `samples`;
            `None` for none.
        console: Where to print them; `None` for nowhere.

    Example:
        >>> samples = SampleTranslations(translator, ["ein mann"], ["a man"], "logs", Console())
        >>> model.fit(train, callbacks=[Evaluation(dev, observers=[samples.write])])
    """

    def __init__(
        self,
        translator: Translator,
        sources: Sequence[str],
        references: Sequence[str],
        log_dir: str | os.PathLike | None = None,
        console: Console | None = None,
    ):
        self.translator = translator
        self.sources = list(sources)
        self.references = list(references)
        self.console = console
        self._writer = log_dir and tf.summary.create_file_writer(os.path.join(log_dir, "samples"))

    def write(self, record: dict):
        """Translates the sentences with the weights that were evaluated."""
        translations = self.translator.translate(self.sources)
        rows = list(zip(self.sources, self.references, translations, strict=True))
        if self._writer:
            with self._writer.as_default(step=record["step"]):
                tf.summary.text("translations", _table(rows))
                for number, (_, _, translation) in enumerate(rows, start=1):
                    if translation.attention is not None and translation.attention.size:
                        tf.summary.image(f"attention/{number}", _picture(translation))
            self._writer.flush()
        if self.console is not None:
            for source, reference, translation in rows:
                for name, text in (
                    ("source", source),
                    ("reference", reference),
                    ("model", translation.text),
                ):
                    self.console.print(Text(f"  {name:<9}  {text}"), soft_wrap=True)
                self.console.print()


def _table(rows) -> str:
    lines = ["| source | reference | model |", "|---|---|---|"]
    for source, reference, translation in rows:
        cells = map(_escape, (source, reference, translation.text))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _escape(text: str) -> str:
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", text)


def _picture(translation) -> tf.Tensor:
    """Returns bytes `(1, height, width, 3)`."""
    file = io.BytesIO()
    save_attention_heatmap(
        file, translation.source_tokens, translation.target_tokens, translation.attention
    )
    return tf.io.decode_png(file.getvalue(), channels=3)[None]
