"""The implementation for TensorFlow."""

from keras_seq2seq.backend.tensorflow.adam import Adam
from keras_seq2seq.backend.tensorflow.logits import join_logits, make_logits, smoothed_cross_entropy
from keras_seq2seq.backend.tensorflow.parallel import (
    count_replicas,
    reducible_logs,
    replicated_train_step,
    split_into_micro_batches,
)
from keras_seq2seq.backend.tensorflow.product import (
    dense,
    frozen_weights,
    lookup_or_compute,
    matmul,
    take_beams,
    take_rows,
)
from keras_seq2seq.backend.tensorflow.scan import scan
from keras_seq2seq.backend.tensorflow.step_log import StepLog
from keras_seq2seq.backend.tensorflow.tracing import compile_function, concrete
from keras_seq2seq.backend.tensorflow.tracking import TracksLayers

__all__ = [
    "Adam",
    "StepLog",
    "TracksLayers",
    "compile_function",
    "concrete",
    "dense",
    "frozen_weights",
    "join_logits",
    "make_logits",
    "replicated_train_step",
    "reducible_logs",
    "count_replicas",
    "matmul",
    "scan",
    "smoothed_cross_entropy",
    "split_into_micro_batches",
    "lookup_or_compute",
    "take_beams",
    "take_rows",
]
