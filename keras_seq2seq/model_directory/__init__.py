"""The model directory, which training writes and all other commands read."""

from keras_seq2seq.model_directory.directory import ModelDirectory
from keras_seq2seq.model_directory.loading import LoadedModel, load_models, save_model
from keras_seq2seq.model_directory.run_files import find_checkpoints, read_run_record

__all__ = [
    "LoadedModel",
    "ModelDirectory",
    "find_checkpoints",
    "load_models",
    "read_run_record",
    "save_model",
]
