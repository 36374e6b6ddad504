"""Text files in, batches of ids out.

`make_dataset` is imported when it is first used, since it is the only one that needs tensorflow
at once: `from keras_seq2seq.data import Vocabulary` stays instant.
"""

from keras_seq2seq.data.batching import Batching
from keras_seq2seq.data.buckets import validate_buckets
from keras_seq2seq.data.character_tokenizer import CharacterTokenizer
from keras_seq2seq.data.corpora import write_corpus
from keras_seq2seq.data.parallel_text import ParallelTextSummary, scan_parallel_text
from keras_seq2seq.data.propose_buckets import propose_buckets
from keras_seq2seq.data.text_lines import decode_lines, open_text, read_lines
from keras_seq2seq.data.text_summary import TextSummary
from keras_seq2seq.data.tokenizers import get_tokenizer
from keras_seq2seq.data.vocabulary import Vocabulary
from keras_seq2seq.data.whitespace_tokenizer import WhitespaceTokenizer
from keras_seq2seq.data.word_vectors import WordVectors, read_word_vectors
from keras_seq2seq.special_tokens import (
    END_ID,
    PADDING_ID,
    SPECIAL_TOKENS,
    START_ID,
    UNKNOWN_ID,
)

__all__ = [
    "END_ID",
    "PADDING_ID",
    "SPECIAL_TOKENS",
    "START_ID",
    "UNKNOWN_ID",
    "Batching",
    "CharacterTokenizer",
    "ParallelTextSummary",
    "TextSummary",
    "Vocabulary",
    "WhitespaceTokenizer",
    "WordVectors",
    "decode_lines",
    "get_tokenizer",
    "make_dataset",
    "open_text",
    "propose_buckets",
    "read_lines",
    "read_word_vectors",
    "scan_parallel_text",
    "validate_buckets",
    "write_corpus",
]


def __getattr__(name: str):
    if name == "make_dataset":
        from keras_seq2seq.data.dataset import make_dataset

        return make_dataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
