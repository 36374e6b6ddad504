import numpy as np
from harness import numbers_of

from keras_seq2seq.layers import DotAttention


def test_hand_computed():
    attention = DotAttention(2)
    attention.build((None, 1), (None, None, 2))
    attention.query_kernel.assign(np.array([[1.0, 2.0]]))
    attention.query_bias.assign(np.array([0.0, -1.0]))
    attention.key_kernel.assign(np.eye(2))
    values = np.array([[[np.log(2), 0.0], [0.0, np.log(3)], [9.0, 9.0]]])
    mask = np.array([[True, True, False]])
    context, found = numbers_of(attention(np.array([[1.0]]), values, mask))
    # The projected query is [1, 1]: the scores are ln 2 and ln 3.
    np.testing.assert_allclose(found, [[0.4, 0.6, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(context, [[0.4 * np.log(2), 0.6 * np.log(3)]], rtol=1e-6)
