import numpy as np
import pytest
from keras import ops

from keras_seq2seq.decoding.constraints import Rules
from keras_seq2seq.decoding.next_tokens import all_tokens, best_tokens

LOGITS = np.array([[90.0, 0.0, -30.0, -200.0, 5.0, 4.0]], "float32")
# The first token has all the probability there is, in float32; no step may pass through it.
LOG_PROBABILITIES = LOGITS[0] - 90.0


def rules(forced=0, too_short=False, repeated=()):
    if repeated:
        repeated = ops.convert_to_tensor([repeated], "int32")
    forced = ops.convert_to_tensor([forced], "int32")
    return Rules(forced, ops.convert_to_tensor([too_short]), repeated)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (rules(), [4, 5, 1]),
        (rules(repeated=[4, 0, 1]), [5, 3]),
        (rules(repeated=[4, 0, 1], too_short=True), [5]),
        (rules(forced=3, repeated=[4]), [3]),
        (rules(forced=1), [1]),
        (rules(forced=2, too_short=True), [2]),
        # Nothing is left: the end.
        (rules(repeated=[4, 5, 1], too_short=True), [3]),
    ],
)
def test_log_probabilities_of_what_may_follow(rules, expected):
    ids, scores = best_tokens(LOGITS, 3, (0, 2), rules)
    ids, scores = np.asarray(ids)[0], np.asarray(scores)[0]
    assert ids[: len(expected)].tolist() == expected
    np.testing.assert_allclose(scores[: len(expected)], LOG_PROBABILITIES[expected], rtol=1e-6)
    assert (scores[len(expected) :] == -np.inf).all()

    scores = np.asarray(all_tokens(LOGITS, (0, 2), rules))[0]
    allowed = np.flatnonzero(scores > -np.inf)
    assert set(expected) <= set(allowed) and (len(allowed) == len(expected) or len(expected) == 3)
    np.testing.assert_allclose(scores[allowed], LOG_PROBABILITIES[allowed], rtol=1e-6)


def test_a_large_vocabulary():
    logits = np.random.default_rng(0).normal(0, 2, (5, 8001)).astype("float32")
    some = Rules(ops.zeros((5,), "int32"), ops.zeros((5,), "bool"), ())
    ids, scores = best_tokens(logits, 6, (0, 1, 2), some)
    exact = logits.astype("float64")
    exact -= np.log(np.exp(exact).sum(axis=-1, keepdims=True))
    exact[:, :3] = -np.inf
    order = np.argsort(-exact, axis=-1)[:, :6]
    np.testing.assert_array_equal(ids, order)
    np.testing.assert_allclose(scores, np.take_along_axis(exact, order, axis=-1), atol=1e-5)
