"""Parallel text as batches of ids: the `tf.data` pipeline, checks, buckets and corpora.

`make_dataset` is imported on first use, since only it needs TensorFlow.
"""

from typing import TYPE_CHECKING

from keras_seq2seq.data.batching import Batching, propose_buckets, validate_buckets
from keras_seq2seq.data.corpora import write_cmudict, write_corpus
from keras_seq2seq.data.inspection import Inspection, inspect_pairs
from keras_seq2seq.data.parallel_text import ParallelTextSummary, TextSummary, scan_parallel_text
from keras_seq2seq.data.splits import split_pairs
from keras_seq2seq.data.word_vectors import WordVectors, read_word_vectors

__all__ = [
    "Batching",
    "Inspection",
    "ParallelTextSummary",
    "TextSummary",
    "WordVectors",
    "inspect_pairs",
    "make_dataset",
    "propose_buckets",
    "read_word_vectors",
    "scan_parallel_text",
    "split_pairs",
    "validate_buckets",
    "write_cmudict",
    "write_corpus",
]

if TYPE_CHECKING:
    from keras_seq2seq.data.dataset import make_dataset
else:

    def __getattr__(name: str):
        if name == "make_dataset":
            from keras_seq2seq.data.dataset import make_dataset

            return make_dataset
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
