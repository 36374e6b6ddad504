import pytest

from keras_seq2seq.export import litert


@pytest.fixture
def single_sentences(monkeypatch):
    """Exports no graph for batches, which takes half of the time."""
    monkeypatch.setattr(litert, "BATCH_SIZES", (1,))
