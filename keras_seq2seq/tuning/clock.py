"""The time of a search."""

import time


class Clock:
    """Counts the seconds that a search has taken, over all its starts.

    Args:
        budget_seconds: The seconds that it may take, `None` for any number.

    Example:
        >>> clock = Clock(budget_seconds=3600)
        >>> clock.is_over
        False
    """

    def __init__(self, budget_seconds: float | None = None):
        self.budget_seconds = budget_seconds
        self.start(0.0)

    def start(self, seconds: float):
        """Sets how many seconds the search has taken until now."""
        self._before = seconds
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds until now."""
        return self._before + time.monotonic() - self._started

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the budget is spent, 0 from then on, `None` if there is no budget."""
        if self.budget_seconds is None:
            return None
        return max(self.budget_seconds - self.seconds, 0.0)

    @property
    def is_over(self) -> bool:
        """Whether the budget is spent."""
        return self.budget_seconds is not None and self.seconds_left == 0
