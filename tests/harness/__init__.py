"""What the tests of layers and models share."""

from harness.layer_basics import check_layer_basics
from harness.numbers import numbers_of, randomize
from harness.padded import padded_batch, padded_ids

__all__ = ["check_layer_basics", "numbers_of", "padded_batch", "padded_ids", "randomize"]
