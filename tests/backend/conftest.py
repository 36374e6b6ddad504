import pytest

from keras_seq2seq import backend
from keras_seq2seq.backend import portable


@pytest.fixture(params=[backend, portable], ids=["own", "portable"])
def functions(request):
    """The functions of the backend in use, and those that any backend can do with."""
    return request.param
