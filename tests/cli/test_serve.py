import socket
import sys

import pytest

MISTAKES = {
    "no model": ((), "Expected --model_dir, or --model at least once."),
    "name": (("--model", "a/b=dir"), '--model "a/b=dir": expected NAME=DIR'),
    "no directory": (("--model", "a="), '--model "a=": expected NAME=DIR'),
    "twice": (("--model", "a=b", "--model", "a=c"), 'two models are named "a"'),
    "host": (("--model_dir", "m", "--host", "0.0.0.0"), "not a loopback address"),
    "no host": (("--model_dir", "m", "--host", ""), "--host is empty"),
    "name of a host": (("--model_dir", "m", "--host", "example.com"), "add --token"),
    "empty token": (("--model_dir", "m", "--token", ""), "--token: expected 1 to 1000 ASCII"),
    "token": (("--model_dir", "m", "--token", "ä"), "--token: expected 1 to 1000 ASCII"),
    "port": (("--model_dir", "m", "--port", "65536"), "expected at most 65535"),
    "threads": (("--model_dir", "m", "--threads", "0"), "a whole number of at least 1"),
    "texts": (
        ("--model_dir", "m", "--max_queue", "9"),
        "--max_texts 64: expected at most --max_queue, which is 9",
    ),
    "missing": (("--model_dir", "m"), "m: no such directory"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, message = MISTAKES[name]
    result = run("serve", "--port", "0", *arguments)
    assert result.status == 2
    assert message in result.errors
    assert "Traceback" not in result.errors


def test_a_port_in_use(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("serve", "--model_dir", tmp_path, "--port", port)
    assert result.status == 2
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in result.errors


@pytest.mark.parametrize("module", ["fastapi", "prometheus_client", "uvicorn"])
def test_the_extra_is_missing(module, run, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("keras_seq2seq.serving")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    result = run("serve", "--model_dir", tmp_path)
    assert result.status == 2
    assert 'pip install "keras-seq2seq[serve]"' in result.errors
    assert len(result.errors.splitlines()) == 1
