import numpy as np
import pytest

from keras_seq2seq.models.padding import Padding


def test_shares_over_all_batches():
    padding = Padding()
    padding.update_state(np.array([[5, 3, 0], [3, 0, 0]]), np.array([[4, 3], [3, 0]]))
    padding.update_state(np.array([[5, 3]]), np.array([[3]]))
    found = {name: float(share) for name, share in padding.result().items()}
    assert found == {
        "source_padding": pytest.approx(3 / 8),
        "target_padding": pytest.approx(1 / 5),
    }
