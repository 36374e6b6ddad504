"""From sentences to sentences, with a trained model."""

from keras_seq2seq.translator.hypothesis import Hypothesis
from keras_seq2seq.translator.translation import Translation
from keras_seq2seq.translator.translator import Translator
from keras_seq2seq.translator.unk_replacement import UnkReplacement

__all__ = ["Hypothesis", "Translation", "Translator", "UnkReplacement"]
