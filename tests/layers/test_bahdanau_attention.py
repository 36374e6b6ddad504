import numpy as np
from harness import numbers_of

from keras_seq2seq.layers import BahdanauAttention


def test_hand_computed():
    attention = BahdanauAttention(1)
    attention.build((None, 1), (None, None, 1))
    weights = {
        "query_kernel": [[2.0]],
        "query_bias": [0.1],
        "key_kernel": [[0.5]],
        "score_kernel": [[3.0]],
    }
    for name, value in weights.items():
        getattr(attention, name).assign(np.array(value))
    values = np.array([[[1.0], [-1.0]]])
    context, found = numbers_of(attention(np.array([[0.2]]), values, np.array([[True, True]])))
    # Scores 3 tanh(0.4 + 0.1 + 0.5) and 3 tanh(0.4 + 0.1 - 0.5) = 0.
    odds = np.exp(3 * 0.7615941559557649)
    np.testing.assert_allclose(found, [[odds / (1 + odds), 1 / (1 + odds)]], rtol=1e-6)
    np.testing.assert_allclose(context, [[(odds - 1) / (odds + 1)]], rtol=1e-6)
