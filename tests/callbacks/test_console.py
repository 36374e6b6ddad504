import io
import os
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from keras_seq2seq.callbacks import ProgressBar, error_console, print_line

RECORD = {
    "step": 12_000,
    "train_perplexity": 1234.5,
    "dev_perplexity": 1234.56,
    "dev_loss": 7.1,
    "dev_bleu": 12.345,
    "tokens": 90_000,
    "seconds": 10.0,
}


def make_bar(width, is_terminal=True):
    console = Console(file=io.StringIO(), width=width, force_terminal=is_terminal, highlight=False)
    bar = ProgressBar(100_000, console)
    perplexity = SimpleNamespace(as_float=lambda: 1234.5)
    bar.set_model(SimpleNamespace(perplexity=perplexity))
    return bar


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (40, "ppl 1,234.50"),
        (60, "ppl 1,234.50  1:02:03 left"),
        (70, "ppl 1,234.50  12,345 tok/s  1:02:03 left"),
        (80, "loss 7.123  ppl 1,234.50  12,345 tok/s  1:02:03 left"),
    ],
)
def test_a_narrow_terminal_shows_fewer_values(width, expected):
    found = make_bar(width)._describe_metrics(7.1234, "12,345 tok/s", 3723)
    assert found == expected
    # A space to each side of the bar.
    assert len("step 100,000/100,000") + 1 + 4 + 1 + len(found) <= width


@pytest.mark.parametrize("width", [60, 80])
def test_an_evaluation_is_wrapped_between_words(width):
    bar = make_bar(width)
    bar.report(RECORD, is_best=True)
    lines = bar.console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()) == (
        "step 12,000: train ppl 1,234.50 dev ppl 1,234.56 bleu 12.35 9,000 tok/s best so far"
    )


def test_a_file_gets_one_line_per_evaluation():
    bar = make_bar(60, is_terminal=False)
    bar.report(RECORD)
    assert bar.console.file.getvalue().count("\n") == 1


def test_a_path_is_printed_literally():
    console = Console(file=io.StringIO(), width=80)
    print_line(console, "models/[bold]x[/bold] :smile: saved")
    assert console.file.getvalue() == "models/[bold]x[/bold] :smile: saved\n"


def test_a_broken_pipe_is_ignored(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8", buffering=1) as file:
        monkeypatch.setattr(sys, "stderr", file)
        for _ in range(2):
            print_line(error_console(), "step 100")


def test_standard_error_may_be_closed(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    print_line(error_console(), "step 100")
