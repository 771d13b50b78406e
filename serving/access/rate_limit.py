"""How often a caller may ask."""

import threading
from collections import defaultdict, deque
from math import ceil
from time import monotonic

from serving.errors import TooManyRequests

WINDOW_S = 60.0


class RateLimit:
    """So many requests of each caller in any 60 seconds, counted by each process for itself.

    Callers are identified before they are counted, so there are as many as keys and subjects.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._asked: dict[str, deque[float]] = defaultdict(deque)
        self._counting = threading.Lock()

    def count(self, who: str) -> None:
        """Count a request of a caller. Raises TooManyRequests."""
        now = monotonic()
        with self._counting:
            asked = self._asked[who]
            while asked and asked[0] <= now - WINDOW_S:
                asked.popleft()
            if len(asked) < self._per_minute:
                asked.append(now)
                return
            wait_s = asked[0] + WINDOW_S - now
        raise TooManyRequests(
            f"more than {self._per_minute} requests in a minute: ask again later", max(1, ceil(wait_s))
        )
