"""How often a caller may ask."""

from math import ceil
from time import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from serving.errors import TooManyRequests


class RateLimit:
    """So many requests of each caller in any 60 seconds, counted by each process for itself."""

    def __init__(self, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def count(self, who: str) -> None:
        """Count a request of a caller. Raises TooManyRequests."""
        if not self._window.hit(self._limit, who):
            wait_s = self._window.get_window_stats(self._limit, who).reset_time - time()
            raise TooManyRequests(
                f"more than {self._limit.amount} requests in a minute: ask again later", max(1, ceil(wait_s))
            )
