"""Pictures of what a model does."""

from keras_seq2seq.plots.attention_directory import AttentionDirectory
from keras_seq2seq.plots.attention_heatmap import save_attention_heatmap
from keras_seq2seq.plots.attention_text import attention_as_text
from keras_seq2seq.plots.beam_directory import BeamDirectory
from keras_seq2seq.plots.beam_page import write_beam_page

__all__ = [
    "AttentionDirectory",
    "BeamDirectory",
    "attention_as_text",
    "save_attention_heatmap",
    "write_beam_page",
]
