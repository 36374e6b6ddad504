import io
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from keras_seq2seq.files.standard_streams import (
    LenientStream,
    muted_standard_error,
    prepared_streams,
)


def test_output_to_a_closed_pipe_is_discarded():
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8", buffering=1) as file:
        stream = LenientStream(file)
        print("first", file=stream, flush=True)
        assert os.read(reading, 100) == b"first\n"
        os.close(reading)
        print("second", file=stream, flush=True)
        assert stream.write("third\n") == len("third\n")
        # `file` is closed without an error.


def test_other_errors_are_not_hidden():
    with pytest.raises(TypeError):
        LenientStream(io.StringIO()).write(b"bytes")


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", b"+--+\n|a...|\n+==+ \\xe9 \\u3042".replace(b"=", b"-")),
        ("latin-1", b"+--+\n|a...|\n+--+ \xe9 \\u3042"),
        ("utf-8", "┏━━┓\n│a…│\n└──┘ é あ".encode()),
    ],
)
def test_characters_that_a_terminal_lacks_become_plain(monkeypatch, encoding, expected):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    with prepared_streams():
        print("┏━━┓\n│a…│\n└──┘ é あ", end="", flush=True)
    assert written.getvalue() == expected


def test_closed_descriptors_are_not_given_to_other_files(tmp_path):
    program = textwrap.dedent("""
        import os
        from keras_seq2seq.files.standard_streams import prepared_streams
        with prepared_streams():
            with open("file", "w") as file:
                file.write(str(file.fileno() > 2))
                os.write(2, b"a message")
    """)
    command = f"'{sys.executable}' -c '{program}' <&- >&- 2>&-"
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert (tmp_path / "file").read_text() == "True"


def test_threads_that_mute_standard_error_leave_it_as_it_was(capfd):
    first_is_muted, second_is_muted, first_has_left = (threading.Event() for _ in range(3))

    def first():
        with muted_standard_error():
            first_is_muted.set()
            second_is_muted.wait(10)
        first_has_left.set()

    def second():
        first_is_muted.wait(10)
        with muted_standard_error():
            second_is_muted.set()
            first_has_left.wait(10)
            os.write(2, b"muted")

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"shown")
    assert capfd.readouterr().err == "shown"
