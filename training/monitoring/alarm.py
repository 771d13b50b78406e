"""An alarm: what is wrong, why it is thought so, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["stop", "warn"]
"""`stop` holds back what would be published; `warn` only says so."""


@dataclass(frozen=True)
class Alarm:
    """`about` is what it concerns: a table, `table.column`, a signal, a segment; `kind` is what happened, in a word."""

    kind: str
    severity: Severity
    about: str
    cause: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.about}: {self.cause}. {self.next_step}"


def stops(alarms: Sequence[Alarm]) -> tuple[Alarm, ...]:
    """Those that hold back a publication."""
    return tuple(alarm for alarm in alarms if alarm.severity == "stop")
