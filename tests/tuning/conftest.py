import io

import pytest
from rich.console import Console

from keras_seq2seq.config import resolve_config
from keras_seq2seq.data import write_corpus
from keras_seq2seq.tuning import SearchPlan, parse_space, prepare_search
from keras_seq2seq.tuning.objective import Objective
from keras_seq2seq.tuning.oracles import Budget, make_oracle

HPARAMS = "rnn_cell.type=GRUCell, rnn_cell.num_units=8, embedding.dim=8, attention.dim=8"
SPACE = {
    "optimizer.learning_rate": {"log": [1e-3, 1e-1]},
    "batch_size": {"choice": [8, 16]},
    "rnn_cell.num_layers": {"range": [1, 2]},
    "rnn_cell.residual_connections": {
        "choice": [True, False],
        "when": {"rnn_cell.num_layers": 2},
    },
}


@pytest.fixture(scope="session")
def data_flags(tmp_path_factory):
    corpus = tmp_path_factory.mktemp("corpus")
    write_corpus("copy", corpus, train=48, dev=8, test=8, vocabulary_size=5, max_length=4)
    sides = ("source", "target")
    return {
        **{f"train_{side}": str(corpus / "train" / f"{side}s.txt") for side in sides},
        **{f"dev_{side}": str(corpus / "dev" / f"{side}s.txt") for side in sides},
        **{f"vocab_{side}": str(corpus / f"vocab.{side}s.txt") for side in sides},
    }


@pytest.fixture
def make_plan(data_flags, tmp_path):
    """Plans a search in `tmp_path / "search"`."""

    def make(space=None, hparams="", flags=None, **options) -> SearchPlan:
        # Samples take a second trace.
        flags = {**data_flags, "sample_translations": 0, **(flags or {})}
        config = resolve_config(flags=flags, hparams=f"{HPARAMS},{hparams}")
        space = parse_space(space or SPACE, "space.yaml")
        return prepare_search(config, space, tmp_path / "search", **options)

    return make


@pytest.fixture
def make_search_oracle(tmp_path):
    """Makes an oracle, which saves to `tmp_path / "trials"`."""

    def make(tuner="random", space=None, budget=None, objective="dev_loss", **options):
        oracle = make_oracle(
            tuner,
            Objective.parse(objective).to_keras_tuner(),
            parse_space(space or SPACE).to_keras_tuner(),
            budget or Budget(),
            **options,
        )
        oracle._set_project_dir(tmp_path, "trials")
        return oracle

    return make


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)
