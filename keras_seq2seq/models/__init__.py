"""The encoder-decoder models."""

from keras_seq2seq.models.attention_seq2seq import AttentionSeq2Seq, BasicSeq2Seq
from keras_seq2seq.models.ensemble import Ensemble
from keras_seq2seq.models.minimum_risk import MinimumRisk
from keras_seq2seq.models.scheduled_sampling import TeacherForcing
from keras_seq2seq.models.seq2seq import Seq2Seq
from keras_seq2seq.models.training import averaged_weights, steps_taken

__all__ = [
    "AttentionSeq2Seq",
    "BasicSeq2Seq",
    "Ensemble",
    "MinimumRisk",
    "Seq2Seq",
    "TeacherForcing",
    "averaged_weights",
    "steps_taken",
]
