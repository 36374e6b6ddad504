"""The dropout between recurrent layers."""

import keras


def make_dropout(rate, variational, **kwargs):
    """Returns the dropout of a tensor `(time, batch, features)`.

    Args:
        rate: Float, the rate.
        variational: Boolean, whether what is dropped is the same at all time steps, as in Gal and
            Ghahramani, 2016, "A Theoretically Grounded Application of Dropout in Recurrent Neural
            Networks", https://arxiv.org/abs/1512.05287, but not in the recurrent state.
        **kwargs: Passed to `keras.layers.Dropout`.
    """
    noise_shape = (1, None, None) if variational else None
    return keras.layers.Dropout(rate, noise_shape=noise_shape, **kwargs)
