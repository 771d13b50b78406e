"""Which accounts a caller may see, as a value that every read of accounts takes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reach:
    """The accounts of one `owner`, or all of them where it is None.

    What is out of reach is not there: reads narrow by it in the query itself, so that an account of somebody else
    and one that doesn't exist have the same answer at the same cost.
    """

    owner: str | None


EVERYTHING = Reach(owner=None)
