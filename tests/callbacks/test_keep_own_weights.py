import keras
import numpy as np
import pytest

from keras_seq2seq.callbacks import KeepOwnWeights


@pytest.mark.parametrize("keeps", [True, False])
def test_weights_after_fit(keeps):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.25, use_ema=True, ema_momentum=0.5), loss="mse")
    model.layers[0].set_weights([np.zeros((1, 1))])
    data = np.ones((2, 1), "float32")
    model.fit(
        data, 2 * data, batch_size=1, verbose=0, callbacks=[KeepOwnWeights()] if keeps else []
    )
    # The error 2 halves with each of two steps: 1, then 1.5; their average is 1.25.
    assert model.layers[0].get_weights()[0] == (1.5 if keeps else 1.25)
