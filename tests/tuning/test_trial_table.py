import io

import pytest
from rich.console import Console

from keras_seq2seq.tuning import Objective, TrialRecord
from keras_seq2seq.tuning.trial_record import COMPLETED, FAILED, RUNNING
from keras_seq2seq.tuning.trial_table import describe_search, make_trial_table

BLEU = Objective.parse("dev_bleu")
RECORDS = [
    TrialRecord("0", {"batch_size": 8}, status=COMPLETED, objective=10.0, seconds=61),
    TrialRecord("1", {"batch_size": 16}, status=FAILED, message="out of memory", objective=99.0),
    TrialRecord("2", {"batch_size": 16, "source.reverse": True}, status=COMPLETED, objective=30.0),
    TrialRecord("3", {"batch_size": 32}, status=RUNNING, continues="2", objective=20.0),
]


def show(*args, **options):
    console = Console(file=io.StringIO(), width=150)
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


def test_a_short_table_shows_running_and_best_trials():
    lines = show(RECORDS, BLEU, rows=2)
    assert [line.split()[0] for line in lines[1:3]] == ["2", "3"]
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("seconds_left", "end"), [(None, "0:01:40"), (7200, "0:01:40 | about 2:00:00 left")]
)
def test_summary_includes_the_time(seconds_left, end):
    line = describe_search(RECORDS, BLEU, 9, 100, seconds_left)
    assert line == f"3 of 9 trials | 1 failed | best dev_bleu 30 (trial 2) | {end}"


def test_without_results_there_is_no_best_trial():
    assert describe_search([RECORDS[1]], BLEU) == "1 trial | 1 failed"
