"""What says which trial comes next."""

from keras_seq2seq.tuning.oracles.durable import Durable
from keras_seq2seq.tuning.oracles.grid import GridOracle
from keras_seq2seq.tuning.oracles.hyperband import HyperbandOracle
from keras_seq2seq.tuning.oracles.make import TUNERS, make_oracle

__all__ = ["TUNERS", "Durable", "GridOracle", "HyperbandOracle", "make_oracle"]
