"""Runs the code blocks of the README and of the pages in docs/, and parses their commands."""

import gzip
import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from harness.toy_model import write_toy_model

from keras_seq2seq import AttentionSeq2Seq, MaskedCrossEntropy, Translator, Vocabulary, make_dataset
from keras_seq2seq.cli.main import cli
from keras_seq2seq.data import write_corpus
from keras_seq2seq.export import litert

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Blocks that only work in a new process, where `test_tensorflow_settings` runs their code: a page,
# and a line of the block.
NEW_PROCESS = {
    ("python.md", "keras_seq2seq.configure_tensorflow()"),
    ("training.md", "keras_seq2seq.configure_tensorflow()"),
}

# Its blocks run in `test_custom_layers`.
ELSEWHERE = {"custom_layers.md"}

# Pages train for longer than is needed to see that their code runs.
SHORTER = {
    "epochs=10": "epochs=2",
    "1_000 - step": "20 - step",
    "every_n_steps=100": "every_n_steps=10",
}

# Libraries that are no dependencies. Blocks that import them are skipped where they are missing.
OPTIONAL = {"datasets", "pandas", "polars"}

MARKS = {
    "migration": pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    "tuning": pytest.mark.slow,
}

LINES = {
    "de": "ein mann schläft um 3 .\nein hund schläft um 4 .\n",
    "en": "a man is sleeping at 3 .\na dog is sleeping at 4 .\n",
}


def test_the_tests_of_the_guarantees_exist():
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    defined = set(re.findall(r"^ *def (test_\w+)", "\n".join(tests), re.MULTILINE))
    modules = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"test_\w+", page))
    assert len(named) > 50
    assert named - defined - modules == set()


def blocks(page: Path, language: str) -> list[str]:
    pattern = f"^```{language}\n(.*?)^```"
    return re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def pages_with(language: str) -> list:
    return [
        pytest.param(page, id=page.stem, marks=MARKS.get(page.stem, ()))
        for page in PAGES
        if blocks(page, language) and not (language == "python" and page.name in ELSEWHERE)
    ]


def is_skipped(page: Path, block: str) -> bool:
    imported = set(re.findall(r"^(?:import|from) (\w+)", block, re.MULTILINE))
    if any(importlib.util.find_spec(name) is None for name in OPTIONAL & imported):
        return True
    return any((page.name, line) in NEW_PROCESS for line in block.splitlines())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A directory with the files that the pages read."""
    tmp_path = tmp_path_factory.mktemp("files")
    write_corpus("reverse", tmp_path / "data", train=64, dev=4, test=4, max_length=3)
    for language, text in LINES.items():
        (tmp_path / f"train.{language}").write_text(text, encoding="utf-8")
        with gzip.open(tmp_path / f"train.{language}.gz", "wt", encoding="utf-8") as file:
            file.write(text)
        tokens = [line.split() for line in text.splitlines()]
        Vocabulary.build(tokens).save(tmp_path / f"vocab.{language}")
    (tmp_path / "input.txt").write_text(LINES["de"], encoding="utf-8")
    rows = list(zip(*(text.splitlines() for text in LINES.values()), strict=True))
    (tmp_path / "pairs.tsv").write_text(
        "".join("\t".join(row) + "\n" for row in [("de", "en"), *rows]), encoding="utf-8"
    )
    with gzip.open(tmp_path / "pairs.csv.gz", "wt", encoding="utf-8") as file:
        file.writelines(f"{english},{german}\n" for german, english in rows)
    for name in ("model", "one", "other"):
        # With these weights, the translation of the pages is not empty.
        write_toy_model(tmp_path / name, seed=9)
    names = {
        f"{part}_{side}": f"data/{part}/{side}s.txt"
        for part in ("train", "dev")
        for side in ("source", "target")
    }
    names |= {f"vocab_{side}": f"data/vocab.{side}s.txt" for side in ("source", "target")}
    config = [f"{name}: {path}\n" for name, path in names.items()]
    (tmp_path / "base.yaml").write_text("".join(config) + "train_epochs: 1\n")
    (tmp_path / "space.yaml").write_text("rnn_cell.num_units: {choice: [4, 8]}\n")
    return tmp_path


@pytest.fixture
def workspace(files, tmp_path, monkeypatch):
    """A working directory with these files."""
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    # Exports no graph for batches, which takes half of the time.
    monkeypatch.setattr(litert, "BATCH_SIZES", (1,))
    return tmp_path


def names_of_the_reader() -> dict:
    """The names that pages use without defining them, since the reader has such objects."""
    source, target = (Vocabulary.load(f"data/vocab.{side}s.txt") for side in ("source", "target"))
    model = AttentionSeq2Seq(len(source), len(target), num_units=4)
    model.compile("adam", loss=MaskedCrossEntropy())
    model.optimizer.build(model.trainable_variables)

    def data(part, **options):
        files = [f"data/{part}/{side}.txt" for side in ("sources", "targets")]
        return make_dataset(*files, source, target, **options)

    return {
        "__name__": "page",
        "source_ids": np.array([[4, 5, 3], [6, 3, 0]]),
        "target_ids": np.array([[2, 5, 4], [2, 6, 0]]),
        "labels": np.array([[5, 4, 3], [6, 3, 0]]),
        "weights": np.array([1.0, 2.0]),
        "model": model,
        "source_vocabulary": source,
        "target_vocabulary": target,
        "translator": Translator(model, source, target),
        # Enough steps for the profile of the page.
        "train": data("train", batch_size=1, epochs=2),
        "dataset": data("train", epochs=None),
        "dev": data("dev"),
    }


# Keras warns because `fit` shuffles arrays by default, and leaves the order of a dataset to it.
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")
# It also warns at the end of a dataset whose length is unknown, as that of a file.
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("page", pages_with("python"))
def test_blocks_of_python_run(page, workspace):
    names = names_of_the_reader()
    for block in blocks(page, "python"):
        if is_skipped(page, block):
            continue
        for loop, shorter in SHORTER.items():
            block = block.replace(loop, shorter)
        if "configure_tensorflow()" in block:
            # Only possible before TensorFlow runs an operation.
            subprocess.run([sys.executable, "-c", block], check=True)
        else:
            exec(compile(block, f"{page.name}: {block.splitlines()[0]}", "exec"), names)


def test_loops_that_are_made_shorter_are_on_a_page():
    code = "".join(block for page in PAGES for block in blocks(page, "python"))
    assert all(loop in code for loop in SHORTER)


def test_skipped_blocks_are_on_their_pages():
    for name, line in NEW_PROCESS:
        (page,) = (page for page in PAGES if page.name == name)
        assert line in page.read_text(encoding="utf-8").splitlines()


def commands(script: str) -> list[list[str]]:
    """Returns the arguments of each `keras-seq2seq` in a script, quoted scripts included."""
    script = re.sub(r"(^|\s)#.*", r"\1", script).replace("\\\n", " ")
    lexer = shlex.shlex(script, posix=True, punctuation_chars="();<>|&\n")
    lexer.commenters = ""
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    found, current = [], None
    for token in lexer:
        if re.fullmatch("[();<>|&\n]+", token):
            # What follows a redirection is a file.
            current = None
        elif token == "keras-seq2seq":
            current = []
            found.append(current)
        elif current is not None:
            current.append(token)
        elif "keras-seq2seq " in token:
            found += commands(token)
    return found


def test_commands_are_found_in_scripts():
    script = """
# A comment.
cd x && keras-seq2seq train --hparams="a=1,
  b=2" \\
  --output_dir=m
keras-seq2seq vocab f > g  # Another one.
srun bash -c 'exec keras-seq2seq train --config c'
"""
    assert commands(script) == [
        ["train", "--hparams=a=1,\n  b=2", "--output_dir=m"],
        ["vocab", "f"],
        ["train", "--config", "c"],
    ]


@pytest.mark.parametrize("page", pages_with("shell"))
def test_commands_have_these_flags(page):
    for block in blocks(page, "shell"):
        for arguments in commands(block):
            command = cli.get_command(click.Context(cli), arguments[0])
            context = click.Context(command, info_name=arguments[0])
            context.token_normalize_func = lambda token: token.replace("-", "_")
            values, rest, _ = command.make_parser(context).parse_args(arguments[1:])
            assert not rest, f"{arguments}: unexpected {rest}"
            assert values
