"""KerasTuner oracles, which choose the hyperparameters of the next trial."""

from keras_seq2seq.tuning.oracles.crash_safe import Budget, CrashSafe
from keras_seq2seq.tuning.oracles.hyperband import HyperbandOracle
from keras_seq2seq.tuning.oracles.make import TUNERS, GridOracle, make_oracle

__all__ = ["TUNERS", "Budget", "CrashSafe", "GridOracle", "HyperbandOracle", "make_oracle"]
