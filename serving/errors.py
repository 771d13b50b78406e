"""What can go wrong while scores are published or read, grouped by what the reader can do about it.

HealthscoreError
 ├── UnavailableError        5  (features.errors) something outside this process doesn't answer
 │    ├── StoreUnavailable   5  the score store can't be opened, read or written
 │    │    └── StoreTooNew   5  a later healthscore has changed the store: upgrade this one
 │    ├── NothingPublished   5  no batch of scores has been published yet: run `healthscore score`
 │    └── PortUnavailable    5  the port can't be listened on: another program has it
 ├── RefusedBatch            1  the batch contradicts itself, or history already holds one of that moment
 └── RequestError            2  what was asked for can't be answered
      ├── UnknownAccount     2  the batch has no such account
      └── BadParameter       2  a query parameter is wrong; `field` names it
           └── BadCursor     2  a cursor wasn't given out by this store

The HTTP status of each is in `serving.problems`.
"""

from features.errors import HealthscoreError, UnavailableError


class StoreUnavailable(UnavailableError):
    """The score store can't be opened, read or written."""


class StoreTooNew(StoreUnavailable):
    """A later healthscore has changed the store."""


class NothingPublished(UnavailableError):
    """No batch of scores has been published yet."""


class PortUnavailable(UnavailableError):
    """The address and port can't be listened on."""


class RefusedBatch(HealthscoreError):
    """A batch contradicts itself, or history already holds one of that moment. Nothing of it was written."""


class RequestError(HealthscoreError):
    """What was asked for can't be answered."""

    exit_code = 2


class UnknownAccount(RequestError):
    """The batch has no such account."""


class BadParameter(RequestError):
    """A query parameter is unknown or wrong; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class BadCursor(BadParameter):
    """A cursor wasn't given out by this store."""

    def __init__(self) -> None:
        super().__init__("cursor", "the cursor wasn't given out by this service: start again without it")
