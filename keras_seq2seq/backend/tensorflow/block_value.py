"""A value that holds within a block."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class BlockValue(threading.local):
    """A value that each thread has for the time of a block, and is `None` outside of any.

    Example:
        >>> recorder = BlockValue()
        >>> with recorder.set_to("a"):
        ...     recorder.value
        'a'
    """

    value: Any = None

    @contextmanager
    def set_to(self, value: Any) -> Iterator[None]:
        """Gives it a value in the block; the one before comes back after it."""
        before, self.value = self.value, value
        try:
            yield
        finally:
            self.value = before
