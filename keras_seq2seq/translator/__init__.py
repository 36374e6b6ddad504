"""Translation and scoring of text with a trained model.

`Translator` and `Scorer` are imported on first use, since only they need Keras.
"""

from typing import TYPE_CHECKING

from keras_seq2seq.translator.text_translator import TextTranslator
from keras_seq2seq.translator.translation import Hypothesis, Translation
from keras_seq2seq.translator.unk_replacement import UnkReplacement

__all__ = [
    "CorpusScore",
    "Hypothesis",
    "Score",
    "Scorer",
    "TextTranslator",
    "Translation",
    "Translator",
    "UnkReplacement",
]

if TYPE_CHECKING:
    from keras_seq2seq.translator.scorer import CorpusScore, Score, Scorer
    from keras_seq2seq.translator.translator import Translator
else:

    def __getattr__(name: str):
        if name in ("CorpusScore", "Score", "Scorer"):
            from keras_seq2seq.translator import scorer

            return getattr(scorer, name)
        if name == "Translator":
            from keras_seq2seq.translator.translator import Translator

            return Translator
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
