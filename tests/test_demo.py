import io
import shlex
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from keras_seq2seq import demo, training
from keras_seq2seq.cli.main import main
from keras_seq2seq.errors import UserError
from keras_seq2seq.files import read_lines
from keras_seq2seq.translator import Hypothesis, Translation


def recite(text, source_length):
    attention = np.ones((len(text), source_length))
    return Hypothesis(text, list(text), 0.0, [0.0] * (len(text) + 1), attention)


class Reciter:
    """Knows the test set by heart, but leaves every fourth answer empty."""

    def __init__(self, test_set):
        sources, targets = (
            read_lines(test_set / "sources.txt"),
            read_lines(test_set / "targets.txt"),
        )
        self.answers = dict(zip(sources, targets, strict=True))

    def __call__(self, sources):
        return [self.answers[source] if i % 4 else "" for i, source in enumerate(sources)]

    def translate(self, sources):
        return [
            Translation(list(source), [recite(text, len(source))])
            for source, text in zip(sources, self(sources), strict=True)
        ]


@pytest.fixture
def configs(monkeypatch, tmp_path):
    """The configurations that were trained on; nothing else is done with them."""
    configs = []

    def plan_training(config, output_dir):
        assert output_dir == tmp_path / "it" / "model"
        return SimpleNamespace(config=config)

    monkeypatch.setattr(demo, "TRAINING_PAIRS", 5)
    monkeypatch.setattr(demo, "plan_training", plan_training)
    monkeypatch.setattr(demo, "train", lambda plan: configs.append(plan.config))
    monkeypatch.setattr(
        demo,
        "Translator",
        SimpleNamespace(load=lambda path: Reciter(path.parent / "dates" / "test")),
    )
    return configs


def run_demo(directory):
    console = Console(file=io.StringIO(), width=100, highlight=False, markup=False, soft_wrap=True)
    exact = demo.run_demo(directory, console)
    return exact, console.file.getvalue()


def test_shows_examples_and_the_exact_match_rate(configs, tmp_path):
    exact, output = run_demo(tmp_path / "it")
    assert exact == 0.75
    assert output.splitlines()[-1].startswith("exact match: 75.0 % of 1,000 unseen dates")
    source, reference = (
        next(read_lines(tmp_path / "it" / "dates" / "test" / name))
        for name in ("sources.txt", "targets.txt")
    )
    (row,) = [line.split() for line in output.splitlines() if line.strip().startswith(source)]
    assert row == [*source.split(), reference, "wrong"]
    assert "██" in output
    assert (tmp_path / "it" / "attention.png").read_bytes().startswith(b"\x89PNG")


def test_a_second_run_finds_the_same_corpus(configs, tmp_path):
    first, second = (run_demo(tmp_path / "it") for _ in range(2))
    assert first == second
    assert configs[0] == configs[1]


def test_a_corpus_of_a_person_is_not_replaced(configs, tmp_path):
    run_demo(tmp_path / "it")
    changed = tmp_path / "it" / "dates" / "dev" / "targets.txt"
    changed.write_text("my own\n")
    with pytest.raises(UserError, match="dev/targets.txt already exists; choose another directory"):
        run_demo(tmp_path / "it")
    assert changed.read_text() == "my own\n"


def test_a_picture_of_a_person_is_not_replaced(configs, tmp_path):
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "attention.png").write_text("my own")
    with pytest.raises(UserError, match="attention.png: not written by the demo; move it, or ch"):
        run_demo(tmp_path / "it")
    assert [path.name for path in (tmp_path / "it").iterdir()] == ["attention.png"]


def test_the_commands_that_it_shows_do_the_same(configs, tmp_path, monkeypatch):
    _, output = run_demo(tmp_path / "it")
    data, train = output.split("\n\n")[1].split("\n", maxsplit=1)
    arguments = shlex.split(train.replace("\\\n", " "))
    shown = []

    def plan_training(config, output_dir, resume):
        shown.append((config, output_dir))
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "plan_training", plan_training)
    with pytest.raises(SystemExit):
        main(arguments[1:])
    assert shown == [(configs[0], str(tmp_path / "it" / "model"))]
    assert shlex.split(data)[1:] == ["data", "dates", str(tmp_path / "it" / "dates"), "--train=5"]
