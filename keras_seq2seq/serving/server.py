"""The server process: signals, draining and exit."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import contextmanager, suppress

import uvicorn

from keras_seq2seq.errors import UserError
from keras_seq2seq.serving.guard import Guard
from keras_seq2seq.serving.models import ServedModels


def open_socket(host: str, port: int) -> socket.socket:
    """Returns a socket that is bound to a host and port, but does not listen yet.

    Args:
        host: A host name or IP address.
        port: The port; 0 for any free one.

    Raises:
        UserError: If this fails, for example because the port is in use.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind(address)
        except OSError:
            opened.close()
            raise
        return opened
    # An encoding error for a host name that is too long, for example.
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "invalid host name"
        raise UserError(f"cannot listen on {host}, port {port}: {reason}") from None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]):
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self._on_start()

    @contextmanager
    def capture_signals(self):
        """Leaves the signals to `serve`."""
        yield


def serve(
    app: Guard,
    models: ServedModels,
    listener: socket.socket,
    *,
    on_start: Callable[[], None] = lambda: None,
    timeout: float = 30,
    shutdown_delay: float = 0,
) -> int:
    """Serves until SIGTERM or SIGINT, then completes the running requests. SIGHUP reloads.

    A second SIGTERM or SIGINT ends the process at once.

    Args:
        app: The application.
        models: The models of the application.
        listener: A socket from `open_socket`.
        on_start: Function that is called when the server accepts connections.
        timeout: Maximum time in seconds to wait for running requests.
        shutdown_delay: Time in seconds during which `/readyz` reports that the server is shutting
            down while requests are still accepted, so that load balancers can react.

    Returns:
        The signal that ended the server.
    """
    return asyncio.run(_serve(app, models, listener, on_start, timeout, shutdown_delay))


async def _serve(app, models, listener, on_start, timeout, shutdown_delay) -> int:
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=max(1, round(timeout)),
        ),
        on_start,
    )
    loop = asyncio.get_running_loop()
    tasks = set()
    received = []

    def start(work):
        task = loop.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def stop(number: int):
        received.append(number)
        if len(received) == 1:
            start(drain())
        else:
            _exit_at_once(received[0])

    async def drain():
        app.ready = False
        await asyncio.sleep(shutdown_delay)
        app.accepting = False
        end = loop.time() + timeout
        while app.in_progress and loop.time() < end:
            await asyncio.sleep(0.02)
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, lambda: start(models.reload_all()))
    await server.serve(sockets=[listener])
    return received[0] if received else signal.SIGTERM


def _exit_at_once(number: int):
    """Ends the process with the status for the signal that it received first.

    Otherwise Python would wait for threads that translate or load a model.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.flush()
    os._exit(128 + number if number == signal.SIGINT else 0)
