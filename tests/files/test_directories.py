import os
import signal
import socket
import subprocess
import sys

import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.files import LiteralDirectory, printable
from keras_seq2seq.files.directories import DirectoryLock

HOLD = """
import sys, time
from keras_seq2seq.files.directories import DirectoryLock
with DirectoryLock(sys.argv[1]):
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of `tmp_path`."""
    command = [sys.executable, "-c", HOLD, os.fspath(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"locked\n"
        yield process
        process.kill()


def test_names_the_process_and_its_host(tmp_path, holder):
    for attempt in (DirectoryLock(tmp_path).check, DirectoryLock(tmp_path).__enter__):
        with pytest.raises(UserError) as error:
            attempt()
        assert str(error.value).startswith(
            f"{tmp_path}: in use by process {holder.pid} on {socket.gethostname()} since 20"
        )


def test_a_killed_process_holds_nothing(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "run.lock").exists()
    DirectoryLock(tmp_path).check()
    with DirectoryLock(tmp_path), pytest.raises(UserError, match=f"process {os.getpid()} on"):
        DirectoryLock(tmp_path).check()


def test_leaves_no_file(tmp_path):
    for _ in range(2):
        with DirectoryLock(tmp_path / "new"):
            assert (tmp_path / "new" / "run.lock").exists()
        assert list((tmp_path / "new").iterdir()) == []


def test_a_check_writes_nothing(tmp_path):
    DirectoryLock(tmp_path / "new").check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b"{}", b"[" * 9_999])
def test_the_file_may_be_damaged(tmp_path, content):
    with DirectoryLock(tmp_path):
        (tmp_path / "run.lock").write_bytes(content)
        with pytest.raises(UserError, match="in use by another process; wait until"):
            DirectoryLock(tmp_path).check()


def test_a_link_may_refer_to_a_new_directory(tmp_path):
    (tmp_path / "link").symlink_to("new/model")
    with DirectoryLock(tmp_path / "link"):
        assert (tmp_path / "new" / "model" / "run.lock").exists()
    assert (tmp_path / "link").is_symlink()


def test_a_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: cannot be written"):
        DirectoryLock(tmp_path / "file").__enter__()


def test_a_usual_path_stays(tmp_path):
    path = tmp_path / "run-1_a.b c"
    assert LiteralDirectory(path).path == str(path)
    assert not path.exists()


@pytest.mark.parametrize("name", ["run[lr=0.1]", "*", "a?b", "a\\b", "{a,b}", os.fsdecode(b"\xff")])
def test_a_path_with_special_characters_has_another_name(tmp_path, name):
    literal = LiteralDirectory(tmp_path / name)
    assert not set(literal.path) & set("[]*?{}\\")
    literal.path.encode()
    with open(os.path.join(literal.path, "file"), "w") as file:
        file.write("text")
    assert (tmp_path / name / "file").read_text() == "text"


def test_the_descriptor_is_closed(tmp_path):
    descriptors = len(os.listdir("/proc/self/fd"))
    literal = LiteralDirectory(tmp_path / "[1]")
    assert len(os.listdir("/proc/self/fd")) == descriptors + 1
    del literal
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_printable_text_is_utf8():
    assert printable(os.fsdecode(b"gr\xc3\xbc\xdfe")) == "grü\\udcdfe"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("secret", path)])
def test_a_lock_that_is_no_file_is_an_error(tmp_path, make):
    (tmp_path / "secret").write_text("text")
    make(tmp_path / "run.lock")
    for attempt in (DirectoryLock(tmp_path).check, DirectoryLock(tmp_path).__enter__):
        with pytest.raises(UserError, match="run.lock is not a regular file; remove it"):
            attempt()
    assert (tmp_path / "secret").read_text() == "text"
