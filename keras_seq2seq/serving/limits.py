"""The limits of a server."""

from dataclasses import dataclass


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
