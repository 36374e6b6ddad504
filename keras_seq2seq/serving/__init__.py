"""Serving translations over HTTP."""

from keras_seq2seq.serving.app import make_app
from keras_seq2seq.serving.guard import Limits
from keras_seq2seq.serving.models import ServedModels
from keras_seq2seq.serving.server import serve

__all__ = ["Limits", "ServedModels", "make_app", "serve"]
