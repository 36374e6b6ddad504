"""Translation and scoring of text with a trained model."""

from keras_seq2seq.translator.scorer import CorpusScore, Score, Scorer
from keras_seq2seq.translator.translation import Hypothesis, Translation
from keras_seq2seq.translator.translator import Translator
from keras_seq2seq.translator.unk_replacement import UnkReplacement

__all__ = [
    "CorpusScore",
    "Hypothesis",
    "Score",
    "Scorer",
    "Translation",
    "Translator",
    "UnkReplacement",
]
