"""The models written a second time, in NumPy, one sentence and one time step after the other.

Written from the equations in the layers' docstrings and the papers they name. There is no batch,
so there is no padding and no mask: what the layers compute in a padded batch is compared with
what comes out of each sentence alone. Weights are dictionaries of float64 arrays by name.
"""

from reference.attention import attend
from reference.bridges import bridge
from reference.cells import run_cell, step_cell
from reference.decoder import Decoder
from reference.encoders import encode
from reference.loss import token_losses
from reference.model import Model
from reference.weights import select, weights_of

__all__ = [
    "Decoder",
    "Model",
    "attend",
    "bridge",
    "encode",
    "run_cell",
    "select",
    "step_cell",
    "token_losses",
    "weights_of",
]
