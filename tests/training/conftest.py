import os
import subprocess

import pytest

from keras_seq2seq.config import resolve_config
from keras_seq2seq.data import write_corpus

HPARAMS = (
    "rnn_cell.type=GRUCell, rnn_cell.num_units=16, embedding.dim=16,"
    "rnn_cell.dropout_input_keep_prob=0.9"
)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    directory = tmp_path_factory.mktemp("corpus")
    write_corpus("copy", directory, train=200, dev=20, test=20, vocabulary_size=5, max_length=5)
    return directory


@pytest.fixture(scope="session")
def make_config(corpus):
    def make(hparams="", attention_dim=8, learning_rate=0.01, **flags):
        files = {
            "train_source": corpus / "train" / "sources.txt",
            "train_target": corpus / "train" / "targets.txt",
            "dev_source": corpus / "dev" / "sources.txt",
            "dev_target": corpus / "dev" / "targets.txt",
            "vocab_source": corpus / "vocab.sources.txt",
            "vocab_target": corpus / "vocab.targets.txt",
        }
        defaults = {"batch_size": 16, "train_steps": 20, "eval_every_n_steps": 10}
        # They take a second trace.
        defaults |= {"sample_translations": 0}
        # Constant, so that a run may end early without another learning rate.
        if "lr_decay_type" not in hparams:
            hparams = f"optimizer.lr_decay_type=none, {hparams}"
        return resolve_config(
            flags={**files, **defaults, **flags},
            hparams=f"{HPARAMS}, attention.dim={attention_dim},"
            f"optimizer.learning_rate={learning_rate}, {hparams}",
        )

    return make


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB."""
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", os.fspath(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a file system")
    yield path
    subprocess.run(["umount", "--lazy", os.fspath(path)], check=True)
