"""Pictures of what a model does."""

from keras_seq2seq.plots.attention_directory import AttentionDirectory
from keras_seq2seq.plots.attention_heatmap import save_attention_heatmap
from keras_seq2seq.plots.attention_text import attention_as_text

__all__ = ["AttentionDirectory", "attention_as_text", "save_attention_heatmap"]
