import errno
import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress

import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.files.writing import (
    NumberedFiles,
    atomic_directory,
    atomic_file,
    remove_unfinished,
    remove_unfinished_files,
)


def test_appears_only_at_the_end(tmp_path):
    path = tmp_path / "file.txt"
    with atomic_file(path) as file:
        file.write("grüße\n")
        assert not path.exists()
    assert path.read_bytes() == "grüße\n".encode()


def test_an_error_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(path) as file:
        file.write("new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_bytes(tmp_path):
    path = tmp_path / "file.bin"
    with atomic_file(path, binary=True) as file:
        file.write(b"\r\n\xff")
        assert not path.exists()
    assert path.read_bytes() == b"\r\n\xff"


def test_numbers_sort_as_sentences_do(tmp_path):
    files = NumberedFiles(tmp_path / "new" / "dir")
    assert (tmp_path / "new" / "dir").is_dir()
    names = [files.path(number, ".png").name for number in (1, 2, 10, 999_999)]
    assert names == ["000001.png", "000002.png", "000010.png", "999999.png"]
    assert names == sorted(names)


def test_an_empty_directory_is_taken(tmp_path):
    assert NumberedFiles(tmp_path).path(7, ".html") == tmp_path / "000007.html"


def test_files_of_two_runs_are_not_mixed(tmp_path):
    (tmp_path / "000001.png").touch()
    with pytest.raises(UserError, match="not empty; expected a new or empty directory"):
        NumberedFiles(tmp_path)


def test_a_file_is_no_directory(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="cannot be used as a directory"):
            NumberedFiles(path)


def test_a_file_in_a_file_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for name, reason in (("file", errno.ENOTDIR), ("loop", errno.ELOOP)):
        with pytest.raises(OSError) as error:
            with atomic_file(tmp_path / name / "below"):
                pytest.fail("was opened")
        assert error.value.errno == reason


def test_links_and_permissions_stay(tmp_path):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "file", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to("real/file")
    with atomic_file(link) as file:
        file.write("new")
    assert link.is_symlink() and target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(tmp_path / "real") == ["file"]


def test_a_link_may_refer_to_a_new_file(tmp_path):
    (tmp_path / "link").symlink_to("new")
    with atomic_file(tmp_path / "link") as file:
        file.write("text")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "new").read_text() == "text"


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("")
    with atomic_file(tmp_path / "new"):
        pass
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("name", ["x" * 255, "笑" * 85, os.fsdecode(b"\xff"), "%s{}[*]"])
def test_any_name(tmp_path, name):
    with atomic_file(tmp_path / name) as file:
        file.write("text")
    assert os.listdir(tmp_path) == [name]


WRITE_AND_WAIT = """
import sys, time
from keras_seq2seq.files.writing import atomic_directory, atomic_file
kind = atomic_directory if sys.argv[1] == "directory" else atomic_file
with kind(sys.argv[2]) as output:
    if sys.argv[1] == "directory":
        (output / "a").write_text("much text " * 1000)
    else:
        output.write("much text " * 1000)
        output.flush()
    print("written", flush=True)
    time.sleep(60)
"""


def start_writing(kind, path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_AND_WAIT, kind, path], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"written\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_the_next_run_removes_what_a_kill_left(tmp_path):
    path = tmp_path / "file"
    kill(start_writing("file", path))
    assert [name != "file" for name in os.listdir(tmp_path)] == [True]
    with atomic_file(path) as file:
        file.write("new")
    assert os.listdir(tmp_path) == ["file"] and path.read_text() == "new"


def test_only_files_that_are_not_in_use_are_removed(tmp_path):
    kill(start_writing("file", tmp_path / "old"))
    (tmp_path / ".old.9.tmp").mkdir()
    other = start_writing("file", tmp_path / "file")
    remove_unfinished_files(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".file.0.tmp", ".old.9.tmp"]
    kill(other)
    remove_unfinished_files(tmp_path)
    assert os.listdir(tmp_path) == [".old.9.tmp"]


def test_a_directory_is_written_although_a_file_has_its_temporary_name(tmp_path):
    kill(start_writing("file", tmp_path / "name"))
    with atomic_directory(tmp_path / "name") as path:
        (path / "file").write_text("text")
    assert (tmp_path / "name" / "file").read_text() == "text"


def test_two_processes_may_write_the_same_file(tmp_path):
    path = tmp_path / "file"
    other = start_writing("file", path)
    with atomic_file(path) as file:
        file.write("new")
    assert path.read_text() == "new"
    assert len(os.listdir(tmp_path)) == 2
    other.send_signal(signal.SIGINT)
    other.communicate()
    assert os.listdir(tmp_path) == ["file"] and path.read_text() == "new"


def test_two_writers_in_one_process(tmp_path):
    path = tmp_path / "file"
    with atomic_file(path) as first, atomic_file(path) as second:
        first.write("first")
        second.write("second")
    assert path.read_text() == "first" and os.listdir(tmp_path) == ["file"]


def test_a_program_that_ends_removes_what_it_has_not_finished(tmp_path):
    with (
        suppress(FileNotFoundError),
        atomic_file(tmp_path / "file"),
        atomic_directory(tmp_path / "directory") as directory,
    ):
        (directory / "a").touch()
        remove_unfinished()
        assert os.listdir(tmp_path) == []
    with atomic_file(tmp_path / "file"):
        pass
    remove_unfinished()
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_is_reported_with_the_path(tmp_path):
    with pytest.raises(OSError) as error, atomic_file(tmp_path / "file"):
        raise OSError(28, "No space left on device")
    assert error.value.filename == str(tmp_path / "file")
    assert os.listdir(tmp_path) == []


def test_a_directory_appears_at_the_end(tmp_path):
    path = tmp_path / "new" / "directory"
    with atomic_directory(path) as directory:
        (directory / "a").write_text("text")
        assert not path.exists()
    assert [file.name for file in path.iterdir()] == ["a"]
    assert os.listdir(tmp_path / "new") == ["directory"]


def test_an_error_leaves_no_directory(tmp_path):
    with pytest.raises(RuntimeError), atomic_directory(tmp_path / "directory") as directory:
        (directory / "a").write_text("text")
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_an_empty_directory_is_replaced_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "directory"
    path.mkdir(0o750)
    (tmp_path / "link").symlink_to("directory")
    with atomic_directory(tmp_path / "link") as directory:
        (directory / "a").write_text("text")
        assert os.listdir(path) == []
    assert os.listdir(path) == ["a"] and (tmp_path / "link").is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o750


def test_a_directory_with_files_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for path, problem in [
        (tmp_path, "not empty; expected a new or empty directory"),
        (tmp_path / "file", "cannot be used as a directory"),
        (tmp_path / "file" / "below", "cannot be used as a directory"),
    ]:
        with pytest.raises(UserError, match=problem), atomic_directory(path):
            pytest.fail("was created")
    assert os.listdir(tmp_path) == ["file"]


def test_a_directory_after_a_kill(tmp_path):
    kill(start_writing("directory", tmp_path / "directory"))
    with atomic_directory(tmp_path / "directory") as directory:
        (directory / "b").write_text("text")
    assert os.listdir(tmp_path) == ["directory"]
    assert os.listdir(tmp_path / "directory") == ["b"]


def test_a_directory_that_cannot_be_replaced_is_filled(tmp_path, monkeypatch):
    path = tmp_path / "mount"
    path.mkdir()
    with atomic_directory(path) as directory:
        (directory / "a").write_text("text")
        # As of a mount point.
        (path / "lost+found").mkdir()
    assert sorted(os.listdir(path)) == ["a", "lost+found"]
    assert os.listdir(tmp_path) == ["mount"]


def test_a_new_file_system_is_empty(tmp_path):
    (tmp_path / "mount" / "lost+found").mkdir(parents=True)
    with atomic_directory(tmp_path / "mount") as directory:
        (directory / "a").write_text("text")
    assert sorted(os.listdir(tmp_path / "mount")) == ["a", "lost+found"]


def test_files_of_overlapping_runs_are_not_mixed(tmp_path):
    path = tmp_path / "directory"
    with pytest.raises(UserError, match="directory: not empty; expected a new or empty directory"):
        with atomic_directory(path) as late:
            (late / "a").write_text("late")
            with atomic_directory(path) as early:
                (early / "b").write_text("early")
    assert os.listdir(path) == ["b"]
    assert os.listdir(tmp_path) == ["directory"]


@pytest.mark.parametrize("through_a_link", [False, True])
def test_what_is_not_a_file_is_not_replaced(tmp_path, through_a_link):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    if through_a_link:
        (tmp_path / "link").symlink_to("pipe")
    names = sorted(os.listdir(tmp_path))
    with pytest.raises(OSError, match="not a regular file") as error:
        with atomic_file(tmp_path / "link" if through_a_link else path):
            pytest.fail("was opened")
    assert error.value.filename == str(path)
    assert path.is_fifo() and sorted(os.listdir(tmp_path)) == names


def test_the_working_directory_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with atomic_directory(os.curdir) as path:
        (path / "file").write_text("text")
    # What a shell sees, which is still in the same directory.
    assert os.listdir(os.curdir) == ["file"]
