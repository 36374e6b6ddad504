"""`keras-seq2seq serve` as a process of its own."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from threading import Thread

TIMEOUT = 120


class Server:
    """A running server.

    Attributes:
        process: The process.
        port: Its port.
        url: The address of its page.
        log: The lines that it has written to standard error.
    """

    def __init__(self, *args):
        command = [sys.executable, "-m", "keras_seq2seq", "serve", "--port", "0", *map(str, args)]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment, encoding="utf-8"
        )
        self.log = []
        for line in self.process.stderr:
            self.log.append(line)
            if line.startswith("Serving"):
                break
        else:
            raise AssertionError("".join(self.log))
        self.url = self.log[-1].split()[-1]
        self.port = int(self.url.rstrip("/").rpartition(":")[2])
        # The process would stop at a pipe that is full.
        self._reader = Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self._reader.start()

    def stop(self, number=signal.SIGTERM) -> int:
        """Sends a signal, and returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT)


@contextmanager
def start_server(*args):
    """Yields a server with these flags, which is killed at the end if it is still running."""
    server = Server(*args)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait(TIMEOUT)
        server._reader.join(TIMEOUT)
        server.process.stderr.close()
