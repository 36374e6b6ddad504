"""What says which trial comes next."""

from keras_seq2seq.tuning.oracles.crash_safe import Clock, Durable
from keras_seq2seq.tuning.oracles.hyperband import HyperbandOracle
from keras_seq2seq.tuning.oracles.make import TUNERS, GridOracle, make_oracle

__all__ = ["TUNERS", "Clock", "Durable", "GridOracle", "HyperbandOracle", "make_oracle"]
