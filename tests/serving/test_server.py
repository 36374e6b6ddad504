"""Servers that are processes of their own: signals, disconnects and overload."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness.server_process import start_server
from harness.toy_model import SOURCES, write_toy_model

from keras_seq2seq.errors import UserError
from keras_seq2seq.runtime import Translator as ExportedTranslator
from keras_seq2seq.serving.server import open_socket
from keras_seq2seq.translator import Translator

# Decoding one of these takes tens of milliseconds.
LONG = " ".join(["mann hund"] * 400)
LONG_OPTIONS = ("--max_text_length", 10_000, "--max_queue", 1000, "--threads", 1)


def ask(port, path, body=None, headers=None, timeout=60):
    """Sends a request over a new connection; returns status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        content = None if body is None else json.dumps(body)
        connection.request("POST" if content else "GET", path, content, headers or {})
        response = connection.getresponse()
        data = response.read()
        is_json = response.headers["content-type"] == "application/json"
        return response.status, response.headers, json.loads(data) if is_json else data.decode()
    finally:
        connection.close()


def translate(port, texts, **fields):
    status, _, answer = ask(port, "/translate", {"text": texts, **fields})
    assert status == 200, answer
    return [translation["text"] for translation in answer["translations"]]


def metric(port, name):
    lines = ask(port, "/metrics")[2].splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def send_and_leave(port, body):
    """Sends a request and closes the connection without reading the response."""
    content = json.dumps(body).encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            b"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(content)
            + content
        )
        time.sleep(0.05)


def test_exported_models(directories):
    expected = {
        name: ExportedTranslator(directories / name)(SOURCES) for name in ("greedy", "beam")
    }
    models = [f"--model={name}={directories / name}" for name in expected]
    with start_server(*models) as server:
        with ThreadPoolExecutor(8) as executor:
            for name in expected:
                answers = executor.map(
                    lambda text, name=name: translate(server.port, [text], model=name), SOURCES * 8
                )
                assert [text for texts in answers for text in texts] == expected[name] * 8
        assert ask(server.port, "/readyz")[0] == 200
        libraries = Path(f"/proc/{server.process.pid}/maps").read_text(encoding="utf-8")
        assert "tensorflow" not in libraries.replace("tensorflow_lite", "")
        assert "matplotlib" not in libraries
        assert server.stop() == 0


def test_trained_models(directories):
    expected = Translator.load(directories / "model", beam_width=3)(SOURCES)
    with start_server("--model_dir", directories / "model", "--beam_width", 3) as server:
        with ThreadPoolExecutor(8) as executor:
            found = executor.map(lambda text: translate(server.port, [text])[0], SOURCES * 8)
            assert list(found) == expected * 8
        answer = ask(server.port, "/translate", {"text": SOURCES[:1], "tree": True})[2]
        assert answer["translations"][0]["tree"]["nodes"]
        # Reloading TensorFlow models works in a thread, too.
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: ask(server.port, "/translate", {"text": []})[2]["version"] == "2")
        assert translate(server.port, SOURCES) == expected
        assert server.stop() == 0


def test_sigterm_completes_running_requests(directories):
    options = ("--model_dir", directories / "greedy", *LONG_OPTIONS)
    expected = ExportedTranslator(directories / "greedy")(LONG)
    with start_server(*options) as server, ThreadPoolExecutor(2) as executor:
        running = executor.submit(translate, server.port, [LONG] * 60)
        wait_until(lambda: metric(server.port, "keras_seq2seq_texts_total") >= 2)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: ask(server.port, "/readyz")[0] == 503)
        status, headers, _ = ask(server.port, "/translate", {"text": ["hund"]})
        assert (status, headers["retry-after"]) == (503, "1")
        assert running.result() == [expected] * 60
        assert server.process.wait(60) == 0


def test_ctrl_c_and_an_impatient_user(directories):
    with start_server("--model_dir", directories / "greedy") as server:
        assert server.stop(signal.SIGINT) == 130
    options = ("--model_dir", directories / "greedy", "--shutdown_delay", 600)
    with start_server(*options) as server:
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: ask(server.port, "/readyz")[0] == 503)
        # Requests are still answered.
        translate(server.port, SOURCES)
        assert server.stop() == 0


BUSY = """
import sys, time
from keras_seq2seq.serving import ServedModels, make_app
from keras_seq2seq.serving.server import open_socket, serve
from keras_seq2seq.translator.translation import Hypothesis, Translation

class Translator:
    n_best, has_attention, search = 1, False, None

    def __init__(self):
        # While the model is reloaded.
        time.sleep(300 * len(loaded))
        loaded.append(self)

    def stream(self, texts, *args, **options):
        for text in texts:
            time.sleep(0 if text == "." else 300)
            yield Translation([], [Hypothesis(text, [], 0.0, [])])

loaded = []
models = ServedModels({"busy": Translator}, threads=1, batch_size=1, max_queue=9)
listener = open_socket("127.0.0.1", 0)
announce = lambda: print(listener.getsockname()[1], flush=True)
serve(make_app(models), models, listener, on_start=announce, timeout=300)
"""


@pytest.mark.parametrize("work", ["translate", "reload"])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_second_signal_ends_a_busy_server_at_once(work, number, status):
    process = subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline())
        body = b'{"text": ["a"]}'
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(
                b"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
            )
            if work == "translate":
                connection.sendall(body)
                wait_until(lambda: metric(port, "keras_seq2seq_texts_total") == 1)
            else:
                process.send_signal(signal.SIGHUP)
            process.send_signal(number)
            wait_until(lambda: ask(port, "/readyz")[0] == 503)
            process.send_signal(number)
            assert process.wait(30) == status
    finally:
        process.kill()
        process.communicate()


def test_texts_of_clients_that_disconnect_are_skipped(directories):
    options = ("--model_dir", directories / "greedy", *LONG_OPTIONS, "--max_texts", 500)
    with start_server(*options) as server:
        for _ in range(3):
            send_and_leave(server.port, {"text": [LONG] * 200})
        begin = time.monotonic()
        expected = ExportedTranslator(directories / "greedy")(SOURCES)
        assert translate(server.port, SOURCES) == expected
        wait_until(lambda: metric(server.port, "keras_seq2seq_queue_length") == 0)
        assert metric(server.port, "keras_seq2seq_texts_total") < 300
        assert 'status="499"' in ask(server.port, "/metrics")[2]
        assert time.monotonic() - begin < 30


def test_clients_that_are_killed_affect_nobody_else(directories):
    expected = ExportedTranslator(directories / "greedy")(SOURCES)
    with start_server("--model_dir", directories / "greedy") as server:
        script = (
            "import sys, urllib.request as r\n"
            "while True: r.urlopen(sys.argv[1] + 'translate', b'{\"text\": [\"ein mann\"]}').read()"
        )
        clients = [
            subprocess.Popen([sys.executable, "-c", script, server.url], stderr=subprocess.DEVNULL)
            for _ in range(3)
        ]
        try:
            wait_until(lambda: metric(server.port, "keras_seq2seq_texts_total") > 20)
            for client in clients:
                client.kill()
                assert translate(server.port, SOURCES) == expected
        finally:
            for client in clients:
                client.kill()
                client.wait()
        assert server.stop() == 0


def test_overload_is_answered_quickly_and_passes(directories):
    options = ("--model_dir", directories / "greedy", *LONG_OPTIONS, "--max_requests", 4)
    with start_server(*options) as server, ThreadPoolExecutor(40) as executor:
        body = {"text": [LONG] * 8}
        answers = list(executor.map(lambda _: ask(server.port, "/translate", body), range(40)))
        statuses = [status for status, _, _ in answers]
        assert set(statuses) == {200, 503}
        assert all(headers["retry-after"] for status, headers, _ in answers if status == 503)
        translate(server.port, SOURCES)
        assert metric(server.port, "keras_seq2seq_requests_in_progress") == 1


def test_reload_under_load(directories, tmp_path):
    """Replaces a model by another one and by a damaged one, while clients use it."""
    write_toy_model(tmp_path / "other_model", seed=2)
    Translator.load(tmp_path / "other_model").export(tmp_path / "other")
    current = tmp_path / "current"
    current.symlink_to(directories / "greedy")
    old, new = (ExportedTranslator(path)(SOURCES) for path in (current, tmp_path / "other"))
    assert old != new
    with start_server("--model_dir", current, "--token", "secret") as server:
        headers = {"Authorization": "Bearer secret"}
        found, stop = [], []

        def client():
            while not stop:
                status, _, answer = ask(server.port, "/translate", {"text": SOURCES}, headers)
                assert status == 200
                texts = [translation["text"] for translation in answer["translations"]]
                found.append((answer["version"], texts))

        def replace_by(path):
            link = tmp_path / "link"
            link.symlink_to(path)
            os.replace(link, current)

        with ThreadPoolExecutor(4) as executor:
            clients = [executor.submit(client) for _ in range(3)]
            try:
                wait_until(lambda: len(found) > 10)
                replace_by(tmp_path / "other")
                server.process.send_signal(signal.SIGHUP)
                wait_until(lambda: found[-1][0] == "2")
                shutil.copytree(tmp_path / "other", tmp_path / "damaged")
                (tmp_path / "damaged" / "model.tflite").write_bytes(b"TFL3")
                replace_by(tmp_path / "damaged")
                path = "/v1/models/default:reload"
                status, _, answer = ask(server.port, path, {}, headers)
                assert status == 409
                assert "model.tflite: damaged file" in answer["error"]
                count = len(found)
                wait_until(lambda: len(found) > count + 10)
            finally:
                stop.append(True)
            for running in clients:
                running.result()
        assert all(texts == {"1": old, "2": new}[version] for version, texts in found)
        assert found[-1][0] == "2"
        assert any("the old version remains" in line for line in server.log)


def test_slow_and_large_bodies(directories):
    with start_server("--model_dir", directories / "greedy", "--timeout", 1) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(
                b"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 408")
        for size, status in ((3_000_000, 413), (900_000, 422)):
            assert ask(server.port, "/translate", {"text": ["a" * size]})[0] == status
        translate(server.port, SOURCES)


def test_fuzzing_finds_no_server_error(directories, tmp_path):
    """Requests that are generated from the schema, valid ones and others."""
    pytest.importorskip("schemathesis")
    with start_server(f"--model=beam={directories / 'beam'}", "--token", "secret") as server:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}openapi.json"),
            *("--header", "Authorization: Bearer secret", "--max-examples", "15"),
            *("--checks", "not_a_server_error,content_type_conformance,status_code_conformance"),
            *("--seed", "1", "--no-color"),
        ]
        # It writes what it found to the current directory.
        found = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert found.returncode == 0, found.stdout[-5000:] + found.stderr[-2000:]
        assert server.stop() == 0


@pytest.mark.parametrize("host", ["a" * 70, "a..b", "\udcff"])
def test_a_host_that_is_no_name_is_one_line(host):
    with pytest.raises(UserError, match="cannot listen on .*, port 0: invalid host name"):
        open_socket(host, 0)
