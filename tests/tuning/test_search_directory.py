import shutil

import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning import SearchDirectory, TrialRecord
from keras_seq2seq.tuning.trial_record import COMPLETED, FAILED, RUNNING, STOPPED


@pytest.fixture
def directory(tmp_path):
    return SearchDirectory(tmp_path / "search")


@pytest.fixture
def add_trial(directory):
    """Creates a trial with the files that training writes."""

    def add(trial, status=COMPLETED, **fields):
        path = directory.trial_path(trial)
        for folder in ("checkpoints", "logs"):
            (path / folder).mkdir(parents=True)
        (path / "checkpoints" / "ckpt-10.index").write_text(f"state of {trial}")
        for name in ("model.keras", "config.yaml", "metrics.jsonl"):
            (path / name).write_text(f"{name} of {trial}")
        record = TrialRecord(trial, status=status, **fields)
        record.save(path)
        return record

    return add


def files(path):
    return {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}


def test_records_are_sorted_by_number(directory, add_trial):
    written = [add_trial(trial, objective=1.5, values={"a": [1]}) for trial in ("9", "10", "002")]
    assert directory.records() == [written[2], written[0], written[1]]


def test_a_copy_of_a_trial_is_not_listed(directory, add_trial):
    record = add_trial("0001")
    shutil.copytree(directory.trial_path("0001"), directory.trials_path / "trial_0001_backup")
    assert directory.records() == [record]


def test_weights_are_removed_from_finished_trials_only(directory, add_trial):
    for trial, status in [("0", COMPLETED), ("1", COMPLETED), ("2", FAILED), ("3", RUNNING)]:
        add_trial(trial, status)
    add_trial("4", STOPPED)
    directory.remove_weights({"1"})
    with_weights = {
        trial
        for trial in "01234"
        if files(directory.trial_path(trial)) & {"model.keras", "checkpoints/ckpt-10.index"}
    }
    assert with_weights == {"1", "3", "4"}
    # Small files are kept.
    assert {"config.yaml", "metrics.jsonl"} < files(directory.trial_path("0"))


def test_a_trial_copies_the_state_of_a_lower_rung(directory, add_trial):
    add_trial("0")
    directory.copy_lower_rung("0", "1")
    copied = directory.trial_path("1")
    assert (copied / "checkpoints" / "ckpt-10.index").read_text() == "state of 0"
    assert (copied / "model.keras").read_text() == "model.keras of 0"
    # An existing state is kept.
    (copied / "checkpoints" / "ckpt-10.index").write_text("own")
    directory.copy_lower_rung("0", "1")
    assert (copied / "checkpoints" / "ckpt-10.index").read_text() == "own"


def test_an_interrupted_copy_of_a_lower_rung_is_repeated(directory, add_trial):
    add_trial("0")
    half = directory.trial_path("1")
    (half / ".checkpoints").mkdir(parents=True)
    (half / ".checkpoints" / "ckpt-10.index").write_text("half")
    (half / "logs").mkdir()
    directory.copy_lower_rung("0", "1")
    assert (half / "checkpoints" / "ckpt-10.index").read_text() == "state of 0"
    assert not (half / ".checkpoints").exists()


def test_the_best_trial_is_copied_without_its_checkpoints(directory, add_trial):
    first, second = add_trial("0", objective=2.0), add_trial("1", objective=1.0)
    directory.update_best(first)
    assert (directory.best_path / "model.keras").read_text() == "model.keras of 0"
    for name in ("alive", "run.json", "trial.json"):
        directory.trial_path("1").joinpath(name).touch()
    directory.update_best(second)
    assert files(directory.best_path) == {
        "config.yaml", "metrics.jsonl", "model.keras", "trial_record.json"
    }  # fmt: skip
    assert (directory.best_path / "model.keras").read_text() == "model.keras of 1"
    # The same model is not copied again, but a better one of the same trial is.
    directory.trial_path("1").joinpath("model.keras").write_text("better")
    directory.update_best(second)
    assert (directory.best_path / "model.keras").read_text() == "model.keras of 1"
    directory.update_best(second.changed(objective=0.5))
    assert (directory.best_path / "model.keras").read_text() == "better"


def test_an_interrupted_update_of_the_best_trial_is_repaired(directory, add_trial):
    best = add_trial("0", objective=2.0)
    directory.update_best(best)
    directory.best_path.rename(directory.path / ".best-old")
    directory.update_best(None)
    assert (directory.best_path / "model.keras").read_text() == "model.keras of 0"
    # At its end, the earlier best trial is left.
    (directory.path / ".best-old").mkdir()
    directory.update_best(best)
    assert sorted(path.name for path in directory.path.iterdir()) == ["best", "trials"]


def test_running_trials_are_marked_as_stopped(directory, add_trial):
    add_trial("0", RUNNING)
    add_trial("1", FAILED, message="loss is NaN")
    directory.stop_running()
    assert [record.status for record in directory.records()] == [STOPPED, FAILED]


def test_clear_removes_only_the_files_of_a_search(directory, add_trial):
    directory.update_best(add_trial("0", objective=2.0))
    (directory.path / "search.yaml").write_text("tuner: random")
    (directory.path / "notes.txt").write_text("mine")
    directory.clear()
    assert files(directory.path) == {"notes.txt"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1]",
        b"\xff",
        b"{}",
        b'{"trial": 7}',
        b'{"trial": "7", "unknown": 1}',
        b'{"trial": "7", "objective": "low"}',
        b'{"trial": "7", "objective": ""}',
        b'{"trial": "7", "objective": NaN}',
        b'{"trial": "7", "seconds": 1e308}',
        b'{"trial": "7", "message": 0}',
        b'{"trial": "7", "status": "lost"}',
    ],
)
def test_a_damaged_record_counts_as_missing(directory, add_trial, content):
    record = add_trial("0", objective=1.5)
    add_trial("1")
    (directory.trial_path("1") / "trial_record.json").write_bytes(content)
    assert directory.records() == [record]


def test_starting_over_needs_a_search(make_plan, tmp_path):
    (tmp_path / "search" / "best").mkdir(parents=True)
    (tmp_path / "search" / "search.yaml").write_text("batch_size: 16")
    with pytest.raises(UserError, match="search.yaml: not written by a search; move it, or"):
        make_plan(resume="never")
    # As that of version 0.1.
    (tmp_path / "search" / "trials").mkdir()
    (tmp_path / "search" / "trials" / "oracle.json").touch()
    make_plan(resume="never")


@pytest.mark.parametrize("resume", ["auto", "never"])
@pytest.mark.parametrize("name", ["best", "text", "trials", "report.html"])
def test_files_that_no_search_wrote_are_not_replaced(make_plan, tmp_path, name, resume):
    file = tmp_path / "search" / name / "mine"
    file.parent.mkdir(parents=True)
    file.touch()
    with pytest.raises(UserError, match=f"search/{name}: not written by a search, which also wr"):
        make_plan(resume=resume)
    assert file.exists()
