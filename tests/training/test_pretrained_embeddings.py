import numpy as np
import pytest

from keras_seq2seq.data import Vocabulary
from keras_seq2seq.layers import ScaledEmbedding
from keras_seq2seq.training.pretrained_embeddings import load_embedding


def test_vectors_come_out_scaled_and_the_others_stay(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("mann 3 0 0 0\nhund 9 9 9 9\nein 0 0 0 -4\n")
    vocabulary = Vocabulary("ein mann schläft".split())
    layer = ScaledEmbedding(len(vocabulary), 4)
    layer.build()
    before = layer(np.arange(7)).numpy()
    assert load_embedding(layer, path, vocabulary) == (2, 3)
    after = layer(np.arange(7)).numpy()
    # The components 3 and -4 among eight have a mean square of 25 / 8.
    scale = (25 / 8) ** -0.5
    np.testing.assert_allclose(after[4], [0, 0, 0, -4 * scale], atol=1e-6)
    np.testing.assert_allclose(after[5], [3 * scale, 0, 0, 0], atol=1e-6)
    assert np.mean(after[4:6] ** 2) == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_array_equal(after[[0, 1, 2, 3, 6]], before[[0, 1, 2, 3, 6]])
