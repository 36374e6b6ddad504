import pytest

from keras_seq2seq.config import resolve_config


@pytest.fixture
def make_config():
    def make(hparams="", **flags):
        return resolve_config(flags=flags, hparams=f"optimizer.learning_rate=0.01,{hparams}")

    return make
