"""Promotion: which challenger becomes champion, by floors; and a person's word where floors can't tell.

A version is promoted where no floor failed and it was shown to be better than chance. What hasn't been shown so is
*unproven*: it may become the first champion, since the service is there from the first day, or follow another unproven
one, but it never replaces a proven champion without a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from training.errors import FloorsFailed
from training.floors import Floor, failed, from_json, proven
from training.tracking import CHAMPION, Facts, Registry


@dataclass(frozen=True)
class Verdict:
    """Whether to promote, and why."""

    promote: bool
    reason: str


def judge(found: Sequence[Floor], champion: Facts | None) -> Verdict:
    """What the floors of a version say, against the champion there is."""
    if fallen := failed(found):
        return Verdict(False, "floors failed: " + " ".join(floor.sentence for floor in fallen))
    if proven(found):
        return Verdict(True, "no floor failed, and it is better than chance")
    if champion is None:
        return Verdict(True, "unproven: the first version, until there is a proven one")
    if not is_proven(champion):
        return Verdict(True, "unproven, as the champion is")
    return Verdict(False, "unproven, and the champion is proven: a person may promote it (healthscore promote)")


def floors_of(version: Facts) -> tuple[Floor, ...]:
    """The floors recorded with a version; none where it was registered before there were any."""
    return from_json(version.tags.get("floors", "[]"))


def is_proven(version: Facts) -> bool:
    """Whether a version was shown to be better than chance; one registered before there were floors, by its receipt."""
    if "floors" in version.tags:
        return proven(floors_of(version))
    return "unproven" not in version.tags


def champion_of(registry: Registry) -> Facts | None:
    """What is known of the champion, None where there is none."""
    return registry.find(CHAMPION) if registry.has(CHAMPION) else None


def settle(registry: Registry, number: str, *, at: datetime, by: str, verdict: Verdict | None = None) -> Verdict:
    """Decide on a registered version by its floors (or by `verdict`), and say so on it."""
    verdict = verdict or judge(floors_of(registry.find(number)), champion_of(registry))
    if verdict.promote:
        registry.champions.promote(number, at=at, by=by, reason=verdict.reason)
    else:
        registry.champions.keep(number, reason=verdict.reason)
    return verdict


def promote(registry: Registry, wanted: str, *, at: datetime, by: str, reason: str, force: bool = False) -> Facts:
    """Make a version champion on a person's word. Raises FloorsFailed where a floor failed and `force` isn't given."""
    version = registry.find(wanted)
    fallen = failed(floors_of(version))
    if fallen and not force:
        raise FloorsFailed(
            f"{version.version.name} version {version.version.number} stays challenger: "
            + " ".join(floor.sentence for floor in fallen)
            + " To make it champion all the same, add --force; it is recorded"
        )
    if fallen:
        reason = f"{reason} (forced over: {', '.join(floor.name for floor in fallen)})"
    registry.champions.promote(version.version.number, at=at, by=by, reason=reason)
    return registry.find(CHAMPION)
