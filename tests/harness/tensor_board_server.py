"""TensorBoard itself, for the tests of what is written for it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import Request, urlopen

_SECONDS_TO_START = 180


class TensorBoardServer:
    """A running TensorBoard, asked by its HTTP interface."""

    def __init__(self, address: str):
        self.address = address

    def get(self, path: str, data: dict | None = None):
        """Returns what TensorBoard answers, read as JSON."""
        body = None if data is None else json.dumps(data).encode()
        request = Request(f"{self.address}/data/{path}", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def get_bytes(self, path: str) -> bytes:
        with urlopen(f"{self.address}/data/{path}", timeout=60) as answer:
            return answer.read()


@contextmanager
def serve_tensor_board(log_dir) -> Iterator[TensorBoardServer]:
    """Starts TensorBoard on this machine only, and waits until it has read the logs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--host=127.0.0.1", f"--port={port}"]
    process = subprocess.Popen(
        [*command, f"--logdir={log_dir}", "--load_fast=false"],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = TensorBoardServer(f"http://127.0.0.1:{port}")
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait()


def _wait(server, process):
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if server.get("runs"):
                return
        except URLError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"TensorBoard did not start; its status is {process.poll()}")
