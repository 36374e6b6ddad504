import numpy as np


def forget_everything(gru_cell, kernel):
    """Makes a GRU cell compute `tanh(x kernel)`, whatever its state."""
    units = kernel.shape[1]
    gates = np.zeros((kernel.shape[0], 2 * units))
    bias = np.concatenate([np.full(units, -1e4), np.zeros(2 * units)])
    gru_cell.set_weights(
        [
            np.concatenate([gates, kernel], axis=1),
            np.zeros((units, 3 * units)),
            bias,
            np.zeros(units),
        ]
    )


def assert_rate(zeros, rate):
    """Checks the share of true entries, within five standard deviations."""
    deviation = np.sqrt(rate * (1 - rate) / zeros.size)
    assert abs(zeros.mean() - rate) < 5 * deviation


def assert_independent(first, second):
    """Checks that two arrays of independent, equally likely events agree no more than by chance."""
    rate = (first.mean() + second.mean()) / 2
    agreement = rate**2 + (1 - rate) ** 2
    deviation = np.sqrt(agreement * (1 - agreement) / first.size)
    assert abs((first == second).mean() - agreement) < 5 * deviation
