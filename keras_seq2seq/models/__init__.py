"""The encoder-decoder models."""

from keras_seq2seq.models.attention_seq2seq import AttentionSeq2Seq
from keras_seq2seq.models.averaged_weights import averaged_weights
from keras_seq2seq.models.basic_seq2seq import BasicSeq2Seq
from keras_seq2seq.models.ensemble import Ensemble
from keras_seq2seq.models.seq2seq import Seq2Seq
from keras_seq2seq.models.steps_taken import steps_taken
from keras_seq2seq.models.teacher_forcing import TeacherForcing

__all__ = [
    "AttentionSeq2Seq",
    "BasicSeq2Seq",
    "Ensemble",
    "Seq2Seq",
    "TeacherForcing",
    "averaged_weights",
    "steps_taken",
]
