"""Every kind of bad data of docs/bad_data.md."""

import os
import re
from pathlib import Path

import pytest
import tensorflow as tf
from harness.bad_data import CASES, PAGE, Case, page

from keras_seq2seq.building.data import build_tokenizers, open_pairs
from keras_seq2seq.cli.main import _describe_tensorflow_error
from keras_seq2seq.config import resolve_config
from keras_seq2seq.data import scan_parallel_text
from keras_seq2seq.data.pairs import Pairs
from keras_seq2seq.errors import UserError
from keras_seq2seq.text import Vocabulary

LETTERS = Vocabulary(
    ["a", "b", "c", "line", *(str(i * i) for i in range(1000)), "a\x01", "b\x7f", "en", "de", '"a']
)


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{title}: {case.kind}".replace(" ", "_"))
        for title, cases in CASES.items()
        for case in cases
    ],
)
def test_bad_data(case: Case):
    for module in ("zstandard", "pyarrow"):
        if module[:4] in str(case.flags) or (module == "pyarrow" and "parquet" in str(case.flags)):
            pytest.importorskip(module)
    for name, content in case.files.items():
        if callable(content):
            content(name)
        else:
            Path(name).write_bytes(content)
    if case.pairs is not None:
        pairs = check(case)
        assert list(pairs) == case.pairs
        read = [
            tuple(line.decode() for line in pair) for pair in pairs.dataset().as_numpy_iterator()
        ]
        assert [tuple(map(_without_mark, pair)) for pair in read] == case.pairs
        return
    message = _message_of(case)
    assert "\n" not in message
    pattern = ".+".join(map(re.escape, case.shows.split("...")))
    assert re.fullmatch(pattern, message), message


def _without_mark(line: str) -> str:
    # The pipeline removes it when it tokenizes.
    return line.removeprefix("\ufeff")


def check(case: Case) -> Pairs:
    """Checks the text and the vocabularies as before training."""
    config = resolve_config(flags=case.flags)
    pairs = open_pairs(config, "train")
    tokenizers = build_tokenizers(config) if config.vocab_source else (LETTERS, LETTERS)
    scan_parallel_text(pairs, None, *tokenizers)
    return pairs


def _message_of(case: Case) -> str:
    if case.after is None:
        with pytest.raises(UserError) as error:
            case.use() if case.use else check(case)
        return str(error.value)
    pairs = check(case)
    case.after()
    with pytest.raises(tf.errors.OpError) as error:
        list(pairs.dataset())
    return _describe_tensorflow_error(error.value)


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), (
        f"run python {os.path.relpath(page.__code__.co_filename, PAGE.parents[1])}"
    )
