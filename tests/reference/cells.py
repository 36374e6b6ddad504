import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step_gru(weights, x, state):
    """Cho et al., 2014, equations 5 to 8, the reset gate applied after the recurrent product."""
    (h,) = state
    w_z, w_r, w_g = np.split(weights["kernel"], 3, axis=1)
    u_z, u_r, u_g = np.split(weights["recurrent_kernel"], 3, axis=1)
    b_z, b_r, b_g = np.split(weights["bias"], 3)
    c_g = weights["recurrent_bias"]
    z = sigmoid(x @ w_z + h @ u_z + b_z)
    r = sigmoid(x @ w_r + h @ u_r + b_r)
    g = np.tanh(x @ w_g + b_g + r * (h @ u_g + c_g))
    h = z * h + (1 - z) * g
    return h, [h]


def step_lstm(weights, x, state):
    """Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000."""
    h, c = state
    w_i, w_f, w_o, w_g = np.split(weights["kernel"], 4, axis=1)
    u_i, u_f, u_o, u_g = np.split(weights["recurrent_kernel"], 4, axis=1)
    b_i, b_f, b_o, b_g = np.split(weights["bias"], 4)
    i = sigmoid(x @ w_i + h @ u_i + b_i)
    f = sigmoid(x @ w_f + h @ u_f + b_f)
    o = sigmoid(x @ w_o + h @ u_o + b_o)
    g = np.tanh(x @ w_g + h @ u_g + b_g)
    c = f * c + i * g
    h = o * np.tanh(c)
    return h, [h, c]


STEPS = {"GRUCell": step_gru, "LSTMCell": step_lstm}
STATES = {"GRUCell": 1, "LSTMCell": 2}


def step_cell(cell, weights, x, state):
    """Returns the output and the new state of one cell for one vector."""
    return STEPS[cell](weights, x, state)


def run_cell(cell, weights, xs):
    """Returns the output at each of the vectors `xs`, read in order, and the final state."""
    units = weights["recurrent_kernel"].shape[0]
    state = [np.zeros(units)] * STATES[cell]
    outputs = []
    for x in xs:
        output, state = step_cell(cell, weights, x, state)
        outputs.append(output)
    return outputs, state
