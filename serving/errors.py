"""What can go wrong while scores are published or read, grouped by what the reader can do about it.

HealthscoreError
 ├── UnavailableError        5  (features.errors) something outside this process doesn't answer
 │    ├── StoreUnavailable   5  the score store can't be opened, read or written
 │    │    └── StoreTooNew   5  a later healthscore has changed the store: upgrade this one
 │    ├── NothingPublished   5  no batch of scores has been published yet: run `healthscore score`
 │    ├── NoModel            5  no model is loaded: train and promote one
 │    ├── PortUnavailable    5  the port can't be listened on: another program has it
 │    └── IssuerUnavailable  5  the OIDC issuer doesn't give its keys out, so tokens can't be checked
 ├── SettingsError           2  (features.errors)
 │    ├── Unguarded          2  other machines would be answered, and there is no key nor issuer
 │    ├── BadPlays           2  the file of plays is wrong
 │    └── BadBackup          2  there is nothing to back up, or a backup can't be restored there
 ├── AlreadyRunning          6  another run is at work on the store
 ├── HeldBack                8  a feed is wrong, so nothing is published until a person says so
 ├── RefusedBatch            1  the batch contradicts itself, or history already holds one of that moment
 ├── ReplayDiffers           1  a stored batch came out otherwise when it was computed again
 └── RequestError            2  what was asked for can't be answered
      ├── BadKey             2  an API key can't be made like that, or there is none of that id
      ├── Unidentified       2  nobody is known by the key or token that came with the request, or none came
      ├── Forbidden          2  the caller is known and may not do this; `scope` is what they lack
      ├── TooManyRequests    2  the caller has used up the minute; `retry_after_s` says when to come back
      ├── UnknownAccount     2  the batch has no such account
      ├── UnknownSubscription 2  there is no such subscription of a webhook
      ├── Unproven           2  the model version has no receipt
      ├── CannotAnswer       2  what was asked is well formed, and this model or these scores can't tell; `problems`
      ├── CannotReplay       2  a batch lacks what replaying it needs
      └── BadParameter       2  a query parameter is wrong; `field` names it
           ├── BadCursor     2  a cursor wasn't given out by this store
           └── AlreadyEnded  2  a moment has passed that must lie ahead

The HTTP status of each is in `serving.problems`.
"""

from collections.abc import Mapping, Sequence

from features.errors import HealthscoreError, SettingsError, UnavailableError


class StoreUnavailable(UnavailableError):
    """The score store can't be opened, read or written."""


class StoreTooNew(StoreUnavailable):
    """A later healthscore has changed the store."""


class NothingPublished(UnavailableError):
    """No batch of scores has been published yet."""


class NoModel(UnavailableError):
    """No model is loaded."""


class PortUnavailable(UnavailableError):
    """The address and port can't be listened on."""


class IssuerUnavailable(UnavailableError):
    """The OIDC issuer doesn't give its keys out."""


class Unguarded(SettingsError):
    """Other machines would be answered, and there is no key nor issuer."""


class AlreadyRunning(HealthscoreError):
    """Another run is at work on the store."""

    exit_code = 6


class HeldBack(HealthscoreError):
    """A feed is wrong, so nothing is published; `alarms` say what, why, and what to do next."""

    exit_code = 8

    def __init__(self, alarms: Sequence[Mapping[str, str]]) -> None:
        super().__init__(
            "nothing was published, the scores that are shown stay: "
            + " ".join(f"{alarm['about']}: {alarm['cause']}. {alarm['next_step']}" for alarm in alarms)
            + " (--publish-anyway REASON publishes all the same; it is recorded)"
        )
        self.alarms = tuple(dict(alarm) for alarm in alarms)


class RefusedBatch(HealthscoreError):
    """A batch contradicts itself, or history already holds one of that moment. Nothing of it was written."""


class ReplayDiffers(HealthscoreError):
    """A stored batch came out otherwise when it was computed again."""


class BadPlays(SettingsError):
    """The file of plays is wrong."""


class BadBackup(SettingsError):
    """There is nothing to back up, or a backup is damaged or would overwrite something."""


class RequestError(HealthscoreError):
    """What was asked for can't be answered."""

    exit_code = 2


class BadKey(RequestError):
    """An API key can't be made like that, or there is none of that id."""


class Unidentified(RequestError):
    """Nobody is known by the key or token that came with a request, or none came (`offered` is false)."""

    def __init__(self, message: str, *, offered: bool = True) -> None:
        super().__init__(message)
        self.offered = offered


class Forbidden(RequestError):
    """The caller is known and may not do this; `scope` is what they lack, where one would do."""

    def __init__(self, message: str, scope: str | None = None) -> None:
        super().__init__(message)
        self.scope = scope


class TooManyRequests(RequestError):
    """The caller has asked more often in a minute than the limit allows."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnknownAccount(RequestError):
    """The batch has no such account."""


class UnknownSubscription(RequestError):
    """There is no such subscription of a webhook."""


class Unproven(RequestError):
    """The model version has no receipt."""


class CannotAnswer(RequestError):
    """What was asked is well formed, and this model or these scores can't tell; `problems`: field to what is wrong."""

    def __init__(self, message: str, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or {}


class CannotReplay(RequestError):
    """A batch lacks what replaying it needs."""


class BadParameter(RequestError):
    """A query parameter is unknown or wrong; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class BadCursor(BadParameter):
    """A cursor wasn't given out by this store."""

    def __init__(self) -> None:
        super().__init__("cursor", "the cursor wasn't given out by this service: start again without it")


class AlreadyEnded(BadParameter):
    """A moment has passed that must lie ahead."""
