import keras
import numpy as np
import pytest

from keras_seq2seq.models import averaged_weights


@pytest.fixture
def make_model():
    def make(**options):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        model.compile(keras.optimizers.SGD(1.0, **options), loss="mse")
        model.optimizer.build(model.trainable_variables)
        (weight,) = model.trainable_variables
        weight.assign([[4.0]])
        # Up by 4, and up by 4 again.
        for _ in range(2):
            model.optimizer.apply([-4.0 * np.ones((1, 1), "float32")])
        return model, weight

    return make


def test_the_average_is_there_in_the_block_only(make_model):
    model, weight = make_model(use_ema=True, ema_momentum=0.75)
    with averaged_weights(model):
        assert weight.numpy() == 0.75 * 8 + 0.25 * 12
    assert weight.numpy() == 12
    with pytest.raises(RuntimeError), averaged_weights(model):
        raise RuntimeError
    assert weight.numpy() == 12


def test_without_an_average_nothing_changes(make_model):
    model, weight = make_model()
    with averaged_weights(model):
        assert weight.numpy() == 12
