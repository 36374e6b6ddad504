"""What is worth doing in a way of its own on one of Keras' backends, for speed.

Everything else is written in `keras.ops` alone. What `portable` has runs on all backends; the
others have the same functions with the same results.
"""

import keras

if keras.backend.backend() == "tensorflow":
    from keras_seq2seq.backend.tensorflow import (
        Adam,
        Record,
        affine,
        fixed_weights,
        join_logits,
        make_logits,
        matmul,
        product,
        scan,
        smoothed_cross_entropy,
        split_batch,
        tabulated,
        take_beams,
        take_rows,
    )
else:
    from keras_seq2seq.backend.portable import (
        Adam,
        Record,
        affine,
        fixed_weights,
        join_logits,
        make_logits,
        matmul,
        product,
        scan,
        smoothed_cross_entropy,
        split_batch,
        tabulated,
        take_beams,
        take_rows,
    )

__all__ = [
    "Adam",
    "Record",
    "affine",
    "fixed_weights",
    "join_logits",
    "make_logits",
    "matmul",
    "product",
    "scan",
    "smoothed_cross_entropy",
    "split_batch",
    "tabulated",
    "take_beams",
    "take_rows",
]
