"""Text to ids and back: tokenizers, vocabularies and text encoders."""

from keras_seq2seq.text.text_encoder import SentenceEncoder, TextEncoder
from keras_seq2seq.text.tokenizers import CharacterTokenizer, WhitespaceTokenizer, get_tokenizer
from keras_seq2seq.text.vocabulary import Vocabulary

__all__ = [
    "CharacterTokenizer",
    "SentenceEncoder",
    "TextEncoder",
    "Vocabulary",
    "WhitespaceTokenizer",
    "get_tokenizer",
]
