"""Plots of attention weights, beam searches and statistics of text."""

from keras_seq2seq.plots.attention import (
    AttentionDirectory,
    attention_as_text,
    save_attention_heatmap,
)
from keras_seq2seq.plots.beam_page import BeamDirectory, write_beam_page
from keras_seq2seq.plots.inspection_page import write_inspection_page

__all__ = [
    "AttentionDirectory",
    "BeamDirectory",
    "attention_as_text",
    "save_attention_heatmap",
    "write_beam_page",
    "write_inspection_page",
]
