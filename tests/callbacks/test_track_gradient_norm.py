import keras
import numpy as np
import pytest
import tensorflow as tf
from harness.toy_model import make_toy_model

from keras_seq2seq import MaskedCrossEntropy
from keras_seq2seq.backend import Adam
from keras_seq2seq.callbacks import TrackGradientNorm

# The second target token occurs twice: its embedding has one gradient, the sum of two.
SOURCE = np.array([[4, 5, 3], [6, 3, 0]], "int32")
TARGET = np.array([[2, 5, 5], [2, 7, 0]], "int32")
LABELS = np.array([[5, 5, 3], [7, 3, 0]], "int32")


def plain_norm(model):
    """Returns the norm of all gradients, each of them flat and whole."""
    with tf.GradientTape() as tape:
        logits = model({"source_ids": SOURCE, "target_ids": TARGET}, training=True)
        loss = MaskedCrossEntropy()(LABELS, logits)
    gradients = tape.gradient(loss, model.trainable_weights)
    flat = [tf.convert_to_tensor(gradient).numpy().ravel() for gradient in gradients]
    return np.sqrt(np.sum(np.concatenate(flat) ** 2))


@pytest.mark.parametrize(
    "optimizer",
    [
        Adam(0.0, global_clipnorm=0.01),
        keras.optimizers.SGD(0.0),
        keras.optimizers.RMSprop(0.0, global_clipnorm=0.01),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_is_the_norm_before_clipping(optimizer):
    model = make_toy_model()
    model.compile(optimizer, loss=MaskedCrossEntropy())
    data = tf.data.Dataset.from_tensors(
        ({"source_ids": SOURCE, "target_ids": TARGET}, LABELS)
    ).repeat()
    for _ in range(2):  # A second callback counts no step twice.
        fitted = model.fit(
            data, steps_per_epoch=3, shuffle=False, callbacks=[TrackGradientNorm()], verbose=0
        )
        # The learning rate is 0: three times the same.
        assert float(model.gradient_norm.count) == 3
        assert float(model.gradient_norm.result()) == pytest.approx(plain_norm(model), rel=1e-4)
    assert "gradient_norm" not in fitted.history
