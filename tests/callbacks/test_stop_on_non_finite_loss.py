import keras
import numpy as np
import pytest

from keras_seq2seq.callbacks import StopOnNonFiniteLoss


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_raises_at_the_step(value):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    targets = np.array([1.0, 1.0, value, 1.0])
    with pytest.raises(FloatingPointError, match="step 3: (nan|inf)"):
        model.fit(
            np.ones((4, 1)),
            targets,
            batch_size=1,
            shuffle=False,
            callbacks=[StopOnNonFiniteLoss()],
            verbose=0,
        )
