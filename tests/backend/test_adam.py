"""Adam in one pass, against Keras' own and against the paper's equations."""

import keras
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("needs the TensorFlow backend", allow_module_level=True)

from keras_seq2seq import FusedAdam  # noqa: E402


def run(optimizer, steps=20, rows=(1, 3, 0)):
    """Returns a matrix of which only rows have gradients, and a vector, after some steps."""
    rng = np.random.default_rng(0)
    matrix = keras.Variable(rng.normal(size=(5, 4)).astype("float32"))
    vector = keras.Variable(rng.normal(size=(3,)).astype("float32"))
    optimizer.build([matrix, vector])

    @tf.function
    def step(values, gradient):
        sparse = tf.IndexedSlices(values, tf.constant(rows), tf.constant([5, 4]))
        optimizer.apply([sparse, gradient], [matrix, vector])

    for _ in range(steps):
        step(rng.normal(size=(3, 4)).astype("float32"), rng.normal(size=3).astype("float32"))
    return matrix.numpy(), vector.numpy()


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"global_clipnorm": 0.5},
        {"weight_decay": 0.1},
        {"amsgrad": True},
        {"amsgrad": True, "global_clipnorm": 0.5},
        {"beta_1": 0.5},
    ],
    ids=str,
)
def test_updates_as_keras_does(arguments):
    found = run(FusedAdam(1e-2, **arguments))
    expected = run(keras.optimizers.Adam(1e-2, **arguments))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)


def test_gradients_of_a_repeated_row_are_summed_first():
    """Keras squares them one by one, as if each were of a row of its own."""
    weight = keras.Variable(np.zeros((2, 1), "float32"))
    optimizer = FusedAdam(0.1)
    optimizer.build([weight])
    values, rows = tf.constant([[3.0], [-3.0], [5.0]]), tf.constant([0, 0, 1])
    optimizer.apply([tf.IndexedSlices(values, rows, tf.constant([2, 1]))], [weight])
    np.testing.assert_allclose(weight.numpy(), [[0.0], [-0.1]], atol=1e-6)
    np.testing.assert_allclose(optimizer.variables[3].numpy(), [[0.0], [0.025]], atol=1e-6)


def test_gradients_of_a_repeated_row_are_summed_before_their_norm_is_taken():
    weight = keras.Variable(np.zeros((2, 1), "float32"))
    optimizer = FusedAdam(0.1, global_clipnorm=2.5)
    optimizer.build([weight])
    values, rows = tf.constant([[3.0], [-3.0], [5.0]]), tf.constant([0, 0, 1])
    optimizer.apply([tf.IndexedSlices(values, rows, tf.constant([2, 1]))], [weight])
    # The norm is that of (0, 5), of which a half is left: 0.001 * 2.5 ** 2.
    np.testing.assert_allclose(optimizer.variables[3].numpy(), [[0.0], [0.00625]], atol=1e-6)


def test_two_steps_by_hand():
    weight = keras.Variable(np.array([1.0], "float32"))
    optimizer = FusedAdam(0.1, epsilon=1e-7)
    optimizer.build([weight])
    mean = variance = 0.0
    expected = 1.0
    for step, gradient in enumerate([0.5, -2.0], start=1):
        optimizer.apply([tf.constant([gradient])], [weight])
        mean = 0.9 * mean + 0.1 * gradient
        variance = 0.999 * variance + 0.001 * gradient**2
        expected -= 0.1 * (mean / (1 - 0.9**step)) / np.sqrt(variance / (1 - 0.999**step))
    np.testing.assert_allclose(weight.numpy(), [expected], rtol=1e-5)


def test_config_round_trip():
    twin = keras.optimizers.deserialize(keras.optimizers.serialize(FusedAdam(0.3, beta_2=0.9)))
    assert isinstance(twin, FusedAdam)
    assert (float(twin.learning_rate), twin.beta_2) == (pytest.approx(0.3), 0.9)
