import io

import pytest
from rich.console import Console

from keras_seq2seq.tuning import Objective, TrialRecord
from keras_seq2seq.tuning.trial_record import COMPLETED, FAILED, RUNNING
from keras_seq2seq.tuning.trial_table import make_trial_table, print_trials, summarize_trials

BLEU = Objective.parse("dev_bleu")
RECORDS = [
    TrialRecord("0", {"batch_size": 8}, status=COMPLETED, objective=10.0, seconds=61),
    TrialRecord("1", {"batch_size": 16}, status=FAILED, message="out of memory", objective=99.0),
    TrialRecord("2", {"batch_size": 16, "source.reverse": True}, status=COMPLETED, objective=30.0),
    TrialRecord("3", {"batch_size": 32}, status=RUNNING, continues="2", objective=20.0),
]


def show(*args, width=150, **options):
    console = Console(file=io.StringIO(), width=width)
    console.print(make_trial_table(*args, **options))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_shows_each_trial_and_the_best():
    lines = show(RECORDS, BLEU)
    assert lines[0].split()[:3] == ["trial", "status", "dev_bleu"]
    assert lines[1].split() == ["0", "completed", "10", "0:01:01", "1", "8"]
    assert lines[3].split()[:4] == ["2", "completed", "30", "*"]
    assert lines[3].endswith("true")
    assert lines[4].startswith("3 < 2")
    assert lines[5] == "3 trials | 1 failed | best dev_bleu 30 (trial 2)"


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_table_has_the_options_below_each_trial(width):
    values = {
        "rnn_cell.num_units": 512,
        "optimizer.learning_rate": 0.00025,
        "decoder.teacher_forcing.type": "inverse_sigmoid",
        "rnn_cell.dropout_input_keep_prob": 0.8,
    }
    records = [*RECORDS[:3], TrialRecord("3", values, status=RUNNING)]
    lines = show(records, BLEU, width=width)
    assert max(map(len, lines)) <= width
    assert lines[0].split() == ["trial", "status", "dev_bleu", "time", "trained"]
    assert lines[1].split() == ["0", "completed", "10", "0:01:01", "1"]
    assert lines[2] == "  batch_size=8"
    # No word is broken.
    words = " ".join(lines).split()
    for option in ("rnn_cell.num_units=512,", "rnn_cell.dropout_input_keep_prob=0.8"):
        assert option in words


def test_a_short_table_shows_running_and_best_trials():
    lines = show(RECORDS, BLEU, rows=2)
    assert [line.split()[0] for line in lines[1:3]] == ["2", "3"]
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("seconds_left", "end"),
    [(None, "0:01:40 elapsed"), (7200, "0:01:40 elapsed | about 2:00:00 left")],
)
def test_summary_includes_the_time(seconds_left, end):
    line = summarize_trials(RECORDS, BLEU, 9, 100, seconds_left)
    assert line == f"3 of 9 trials | 1 failed | best dev_bleu 30 (trial 2) | {end}"


def test_without_results_there_is_no_best_trial():
    assert summarize_trials([RECORDS[1]], BLEU) == "1 trial | 1 failed"


def test_nothing_is_printed_if_standard_output_is_closed(make_plan, monkeypatch):
    plan = make_plan()
    plan.save()
    monkeypatch.setattr("sys.stdout", None)
    print_trials(plan.directory.path)
