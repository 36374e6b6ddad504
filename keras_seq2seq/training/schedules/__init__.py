"""Learning rates that change while a model trains."""

from keras_seq2seq.training.schedules.cosine_decay import CosineDecay
from keras_seq2seq.training.schedules.delayed_decay import DelayedDecay
from keras_seq2seq.training.schedules.inverse_square_root import InverseSquareRoot
from keras_seq2seq.training.schedules.plateau import Plateau
from keras_seq2seq.training.schedules.warm_up import WarmUp

__all__ = ["CosineDecay", "DelayedDecay", "InverseSquareRoot", "Plateau", "WarmUp"]
