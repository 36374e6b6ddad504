import pytest
from harness.toy_model import SOURCES, write_toy_model

from keras_seq2seq.export import litert
from keras_seq2seq.translator import Translator


@pytest.fixture(scope="session")
def directories(tmp_path_factory):
    """A directory with a model, and its exports with greedy search and with beam search."""
    path = tmp_path_factory.mktemp("serving")
    write_toy_model(path / "model")
    Translator.load(path / "model").export(path / "greedy", check_lines=SOURCES)
    beam = Translator.load(path / "model", beam_width=3, n_best=2)
    with pytest.MonkeyPatch.context() as context:
        # No graph for batches, which takes half of the time.
        context.setattr(litert, "BATCH_SIZES", (1,))
        beam.export(path / "beam", check_lines=SOURCES)
    return path
