"""Limits of a server, and checks before a request is handled, as ASGI middleware."""

import asyncio
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

from keras_seq2seq.serving.metrics import Metrics

# What can be read without a token: the page, which contains no data, and the state for load
# balancers.
OPEN_PATHS = frozenset({"/", "/page.css", "/page.js", "/beam.html", "/healthz", "/readyz"})

# The header of responses with status 429 and 503.
RETRY = {"Retry-After": "1"}

# A body that is too large is read up to this multiple of the limit and discarded: clients that are
# still writing when the connection is closed do not see the response.
_DISCARDED = 8


@dataclass(frozen=True)
class Limits:
    """The limits of a server.

    Attributes:
        max_texts: Maximum number of texts per request.
        max_text_length: Maximum number of characters per text.
        max_body: Maximum size of a request body in bytes.
        max_queue: Maximum number of texts per model waiting to be decoded.
        max_requests: Maximum number of concurrent requests.
        timeout: Time limit of a request in seconds.
    """

    max_texts: int = 64
    max_text_length: int = 2_000
    max_body: int = 1_000_000
    max_queue: int = 256
    max_requests: int = 256
    timeout: float = 30


class Guard:
    """Checks the token, limits and counts the requests, and reads their bodies.

    Args:
        app: The application.
        limits: The limits.
        token: The token that requests must contain, or `None` if none is needed.
        metrics: Where requests are counted.

    Attributes:
        ready: Whether `/readyz` reports that the server is ready.
        accepting: Whether requests are accepted.
        in_progress: Number of requests being processed.
    """

    def __init__(self, app, limits: Limits, token: str | None, metrics: Metrics):
        self._app = app
        self._limits = limits
        self._authorization = None if token is None else f"Bearer {token}".encode("ascii")
        self._metrics = metrics
        self.ready = self.accepting = True
        self.in_progress = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        status = 500

        async def send_and_note(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            if scope["path"] in OPEN_PATHS:
                await self._app(scope, receive, send_and_note)
            else:
                await self._guarded(scope, receive, send_and_note)
        except _DisconnectError:
            # There is nobody to answer, but the request is counted.
            status = 499
        finally:
            # The name of the function, since paths are chosen by clients.
            endpoint = getattr(scope.get("endpoint"), "__name__", "none")
            self._metrics.requests.labels(endpoint, status).inc()
            self._metrics.seconds.labels(endpoint).observe(time.perf_counter() - begin)

    async def _guarded(self, scope, receive, send):
        headers = dict(scope["headers"])
        if self._authorization is not None and not hmac.compare_digest(
            headers.get(b"authorization", b""), self._authorization
        ):
            await _reject(send, 401, "expected the header Authorization: Bearer TOKEN", _BEARER)
        elif not self.accepting:
            await _reject(send, 503, "the server is shutting down", RETRY)
        elif self.in_progress >= self._limits.max_requests:
            await _reject(send, 503, "the server is busy", RETRY)
        else:
            self.in_progress += 1
            self._metrics.in_progress.inc()
            try:
                await self._with_body(scope, receive, send, headers)
            finally:
                self.in_progress -= 1
                self._metrics.in_progress.dec()

    async def _with_body(self, scope, receive, send, headers):
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(
                self._read_body(receive, int(headers.get(b"content-length", 0))),
                self._limits.timeout,
            )
        except asyncio.TimeoutError:
            await _reject(send, 408, "the body did not arrive in time")
            return
        if body is None:
            message = f"the body is too large; expected at most {self._limits.max_body} bytes"
            await _reject(send, 413, message)
            return
        # Bodies are JSON, including those that `curl -d` declares to be a form.
        others = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
        scope["headers"] = [*others, (b"content-type", b"application/json")]
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again():
            return messages.pop() if messages else await receive()

        await self._app(scope, receive_again, send)

    async def _read_body(self, receive, declared: int) -> bytes | None:
        """Returns the body, or `None` if it is too large."""
        limit = self._limits.max_body
        if declared > _DISCARDED * limit:
            return None
        parts, size, more = [], 0, True
        while more and size <= _DISCARDED * limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _DisconnectError
            size += len(message.get("body", b""))
            if size <= limit:
                parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return None if size > limit else b"".join(parts)


class _DisconnectError(Exception):
    """The client closed the connection."""


_BEARER = {"WWW-Authenticate": "Bearer"}


async def _reject(send, status: int, message: str, headers: dict[str, Any] | None = None):
    content = json.dumps({"error": message}).encode()
    fields = {"Content-Type": "application/json", "Content-Length": len(content)} | (headers or {})
    encoded = [(name.lower().encode(), str(value).encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": content})
