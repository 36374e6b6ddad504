"""The loop over time, and its gradient."""

import keras
import numpy as np
import pytest
from harness import numbers_of
from keras import ops

from keras_seq2seq.backend import matmul, scan

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(6, 2, 3)).astype("float32")
FACTORS = RNG.uniform(size=(6, 2, 1)).astype("float32")


def decayed_sums(length=6, **options):
    def step(inputs, states, _):
        (numbers, factors), total = inputs, states["total"]
        return {"total": factors * total + numbers, "steps": states["steps"] + 1}

    states = {"total": ops.ones((2, 3)), "steps": ops.zeros((2,), dtype="int32")}
    inputs = [ops.convert_to_tensor(array[:length]) for array in (NUMBERS, FACTORS)]
    return scan(step, states, inputs, lambda states: [states["total"]], **options)


def test_agrees_with_a_plain_loop():
    final, (totals,) = decayed_sums()
    expected, total = [], np.ones((2, 3), "float32")
    for numbers, factors in zip(NUMBERS, FACTORS, strict=True):
        total = factors * total + numbers
        expected.append(total)
    np.testing.assert_allclose(numbers_of(totals), expected, rtol=1e-5)
    np.testing.assert_allclose(numbers_of(final["total"]), total, rtol=1e-5)
    np.testing.assert_array_equal(numbers_of(final["steps"]), [6, 6])


def test_backwards_begins_with_the_last_step_and_stays_aligned():
    final, (totals,) = decayed_sums(go_backwards=True)
    expected, total = [], np.ones((2, 3), "float32")
    for numbers, factors in zip(NUMBERS[::-1], FACTORS[::-1], strict=True):
        total = factors * total + numbers
        expected.insert(0, total)
    np.testing.assert_allclose(numbers_of(totals), expected, rtol=1e-5)
    np.testing.assert_allclose(numbers_of(final["total"]), total, rtol=1e-5)


@pytest.mark.parametrize("go_backwards", [False, True])
def test_one_step(go_backwards):
    final, (totals,) = decayed_sums(length=1, go_backwards=go_backwards)
    assert numbers_of(totals).shape == (1, 2, 3)
    np.testing.assert_allclose(numbers_of(final["total"]), numbers_of(totals)[0], rtol=1e-6)


def attentive_step(inputs, states, memory, kernel, bias, gain):
    """A step with all that has a gradient: products with weights and constants, and others."""
    (now,) = inputs
    scores = ops.expand_dims(states["hidden"] * memory["scale"] + memory["bias"], axis=1)
    context = matmul(ops.softmax(scores), memory["values"])[:, 0]
    hidden = ops.tanh(now * gain + matmul(states["hidden"], kernel) + matmul(context, kernel))
    return {"hidden": hidden + bias, "context": context, "steps": states["steps"] + 1}


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes gradients by tape")
@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_those_of_a_plain_loop(length, go_backwards, compiled):
    import tensorflow as tf

    rng = np.random.default_rng(1)

    def draw(*shape):
        return tf.constant(rng.normal(size=shape), tf.float32)

    inputs, hidden, context = draw(length, 2, 3), draw(2, 3), draw(2, 3)
    memory = {"values": draw(2, 3, 3), "scale": draw(2, 3), "bias": draw(2, 3)}
    weights = [keras.Variable(draw(*shape)) for shape in [(3, 3), (3,), (3,)]]
    upstream = draw(length, 2, 3), draw(length, 2, 3), draw(2, 3)

    def step(inputs, states, memory):
        return attentive_step(inputs, states, memory, *weights)

    def loss(run):
        states = {"hidden": hidden, "context": context, "steps": tf.zeros((2,), tf.int32)}
        final, (all_hidden, all_contexts) = run(states)
        results = all_hidden, all_contexts, final["hidden"]
        return sum(tf.reduce_sum(a * b) for a, b in zip(results, upstream, strict=True))

    def scanned(states):
        return scan(
            step,
            states,
            [inputs],
            lambda states: (states["hidden"], states["context"]),
            memory,
            weights,
            go_backwards,
        )

    def plain(states):
        everything = [None] * length
        for time in range(length)[:: -1 if go_backwards else 1]:
            states = step([inputs[time]], states, memory)
            everything[time] = states["hidden"], states["context"]
        return states, [tf.stack(one) for one in zip(*everything, strict=True)]

    def gradients(run):
        with tf.GradientTape() as tape:
            watched = [inputs, hidden, context, *memory.values()]
            tape.watch(watched)
            value = loss(run)
        return tape.gradient(value, watched + [one.value for one in weights])

    found = (tf.function(gradients) if compiled else gradients)(scanned)
    for one, other in zip(found, gradients(plain), strict=True):
        # The context before the first step goes nowhere.
        expected = 0.0 if other is None else other
        np.testing.assert_allclose(0.0 if one is None else one, expected, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes gradients by tape")
@pytest.mark.parametrize("length", [1, 3])
def test_a_weight_may_multiply_several_rows_of_each_sequence(length):
    import tensorflow as tf

    rng = np.random.default_rng(2)

    def draw(*shape):
        return tf.constant(rng.normal(size=shape), tf.float32)

    inputs, hidden, values = draw(length, 2, 3), draw(2, 3), draw(2, 5, 3)
    weights = [keras.Variable(draw(*shape)) for shape in [(3, 4), (4, 3)]]
    upstream = draw(2, 3)

    def step(inputs, states, values):
        rows = ops.expand_dims(states["hidden"] + inputs[0], axis=1) * values
        products = matmul(ops.tanh(matmul(rows, weights[0])), weights[1])
        return {"hidden": ops.mean(products, axis=1)}

    def scanned():
        final, _ = scan(step, {"hidden": hidden}, [inputs], lambda states: states, values, weights)
        return final

    def plain():
        states = {"hidden": hidden}
        for time in range(length):
            states = step([inputs[time]], states, values)
        return states

    def gradients(run):
        watched = [inputs, hidden, values]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            loss = tf.reduce_sum(run()["hidden"] * upstream)
        return tape.gradient(loss, watched + [weight.value for weight in weights])

    for found, expected in zip(gradients(scanned), gradients(plain), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
