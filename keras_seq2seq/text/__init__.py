"""Tokenizers, vocabularies and text encoders, which convert text to ids and back."""

from keras_seq2seq.text.automatic import (
    build_tokenizer,
    choose_tokenizer,
    default_tokenizer,
    get_tokenizer,
)
from keras_seq2seq.text.byte_tokenizer import ByteTokenizer
from keras_seq2seq.text.sentencepiece import SentencePieceTokenizer
from keras_seq2seq.text.text_encoder import TextEncoder
from keras_seq2seq.text.tokenizer import (
    TOKENIZERS,
    Tokenizer,
    get_tokenizer_class,
    register_tokenizer,
)
from keras_seq2seq.text.tokenizers import CharacterTokenizer, WhitespaceTokenizer
from keras_seq2seq.text.vocabulary import Vocabulary
from keras_seq2seq.text.words import WordTokenizer

__all__ = [
    "TOKENIZERS",
    "ByteTokenizer",
    "CharacterTokenizer",
    "SentencePieceTokenizer",
    "TextEncoder",
    "Tokenizer",
    "Vocabulary",
    "WhitespaceTokenizer",
    "WordTokenizer",
    "build_tokenizer",
    "choose_tokenizer",
    "default_tokenizer",
    "get_tokenizer",
    "get_tokenizer_class",
    "register_tokenizer",
]
