"""Operations with a faster implementation on one of Keras's backends.

Everything else is written in `keras.ops` alone. `portable` runs on every backend; `tensorflow`
has the same functions, with the same results.
"""

import keras

from keras_seq2seq.backend.portable import BLOCK_SIZE

if keras.backend.backend() == "tensorflow":
    from keras_seq2seq.backend.tensorflow.cross_entropy import join_logits, smoothed_cross_entropy
    from keras_seq2seq.backend.tensorflow.products import (
        dense,
        make_logits,
        matmul,
        take_beams,
        take_rows,
    )
    from keras_seq2seq.backend.tensorflow.scan import scan
    from keras_seq2seq.backend.tensorflow.step_log import make_step_log
    from keras_seq2seq.backend.tensorflow.tracing import (
        can_change_shapes,
        compile_function,
        concrete,
        frozen_weights,
        lookup_or_compute,
        portable_graph,
    )
    from keras_seq2seq.backend.tensorflow.training import (
        FusedAdam,
        TracksLayers,
        build_optimizer,
        count_replicas,
        replicated_test_step,
        replicated_train_step,
        scale_added_losses,
        split_into_micro_batches,
        sum_duplicate_rows,
        sum_over_replicas,
    )

    # Whether XLA compiles `scan`, which it does for loops of a fixed length only.
    CAN_COMPILE_LOOPS = False
else:
    from keras_seq2seq.backend.portable import (
        FusedAdam,
        TracksLayers,
        build_optimizer,
        can_change_shapes,
        compile_function,
        concrete,
        count_replicas,
        dense,
        frozen_weights,
        join_logits,
        lookup_or_compute,
        make_logits,
        make_step_log,
        matmul,
        portable_graph,
        replicated_test_step,
        replicated_train_step,
        scale_added_losses,
        scan,
        smoothed_cross_entropy,
        split_into_micro_batches,
        sum_duplicate_rows,
        sum_over_replicas,
        take_beams,
        take_rows,
    )

    CAN_COMPILE_LOOPS = True

__all__ = [
    "BLOCK_SIZE",
    "CAN_COMPILE_LOOPS",
    "FusedAdam",
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
    "sum_duplicate_rows",
    "sum_over_replicas",
    "build_optimizer",
    "count_replicas",
    "matmul",
    "scale_added_losses",
    "scan",
    "smoothed_cross_entropy",
    "split_into_micro_batches",
    "lookup_or_compute",
    "take_beams",
    "take_rows",
]
