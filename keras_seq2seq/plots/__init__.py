"""Plots of attention weights and beam searches."""

from keras_seq2seq.plots.attention import (
    AttentionDirectory,
    attention_as_text,
    save_attention_heatmap,
)
from keras_seq2seq.plots.beam_page import BeamDirectory, write_beam_page

__all__ = [
    "AttentionDirectory",
    "BeamDirectory",
    "attention_as_text",
    "save_attention_heatmap",
    "write_beam_page",
]
