"""The implementation for TensorFlow."""

from keras_seq2seq.backend.tensorflow.adam import Adam
from keras_seq2seq.backend.tensorflow.logits import join_logits, make_logits, smoothed_cross_entropy
from keras_seq2seq.backend.tensorflow.parallel import (
    build_replicated_optimizer,
    count_replicas,
    replicated_test_step,
    replicated_train_step,
    split_into_micro_batches,
    sum_over_replicas,
)
from keras_seq2seq.backend.tensorflow.product import (
    can_change_shapes,
    dense,
    frozen_weights,
    lookup_or_compute,
    matmul,
    portable_graph,
    take_beams,
    take_rows,
)
from keras_seq2seq.backend.tensorflow.scan import scan
from keras_seq2seq.backend.tensorflow.step_log import make_step_log
from keras_seq2seq.backend.tensorflow.tracing import compile_function, concrete
from keras_seq2seq.backend.tensorflow.tracking import TracksLayers

__all__ = [
    "Adam",
    "can_change_shapes",
    "make_step_log",
    "portable_graph",
    "TracksLayers",
    "concrete",
    "compile_function",
    "dense",
    "frozen_weights",
    "join_logits",
    "make_logits",
    "replicated_train_step",
    "replicated_test_step",
    "sum_over_replicas",
    "build_replicated_optimizer",
    "count_replicas",
    "matmul",
    "scan",
    "smoothed_cross_entropy",
    "split_into_micro_batches",
    "lookup_or_compute",
    "take_beams",
    "take_rows",
]
