"""The job on a schedule: check, signals, retrain where the rule says so, score, publish; safe to run again at any time.

It joins what `check`, `train`, `recalibrate` and `score` do, so it is part of the composition root. What it leaves
behind at any moment it may be killed at is a state the next run goes on from: a version is registered before it is
decided on, an alias moves in one step to a version that is there, and a batch becomes visible in one transaction.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from features.book import read_targets
from features.cli import as_of_or_extract, read
from features.errors import HistoryError
from features.fingerprint import fingerprint
from features.matrix import build
from features.settings import Settings
from features.spine import spine
from features.tables import Tables
from serving.job_lock import only_run
from serving.publish_anyway import Override
from serving.scores import Batch
from serving.scoring import score
from serving.shadow import Shadow, shadow
from serving.store import ScoreStore
from serving.watching import Now, feeds_now, let_pass, proof
from training import retraining
from training.errors import FloorsFailed
from training.model import HealthModel
from training.monitoring.alarm import Alarm
from training.promotion import Verdict, champion_of, is_proven, settle
from training.scorecard import DEFAULT
from training.scorecard import read as read_scorecard
from training.tracking import CHALLENGER, CHAMPION, Facts, Registry
from training.train import Recipe
from training.versions import make_version, recalibrate_version

BY = "healthscore run"
Report = Callable[[str], None]


@dataclass(frozen=True)
class Retraining:
    """What was done about the model, and why.

    `action`: none, recalibrate or train. `version` is the one that was made or decided on, None where none was;
    `decision`: promoted or kept_challenger, None where there was nothing to decide.
    """

    action: retraining.Action
    reasons: tuple[str, ...]
    version: str | None = None
    decision: Literal["promoted", "kept_challenger"] | None = None
    decision_reason: str | None = None


@dataclass(frozen=True)
class Summary:
    """What a run did: the one line it prints.

    `outcome`: published, or nothing_new where these scores are there already. `late`: a later day's scores stay the
    ones that are shown. `proven`: whether the champion was shown to be better than chance. `let_through` are
    the alarms a person overrode. `findings` and
    `quarantined_rows` are what the check found; `seconds` is how long it took.
    """

    outcome: Literal["published", "nothing_new"]
    as_of: datetime
    known_at: datetime
    batch_id: str
    accounts: int
    late: bool
    model: str
    model_version: str
    mode: str
    proven: bool
    retraining: Retraining
    shadow: Shadow | None
    let_through: tuple[Alarm, ...]
    findings: int
    quarantined_rows: int
    data_digest: str
    seconds: float = 0.0


def run(
    settings: Settings, *, as_of: datetime | None, now: datetime, report: Report, override: Override | None = None
) -> Summary:
    """Do the whole job once, for `as_of` or the midnight before the data was extracted.

    Raises AlreadyRunning where another run is at work on the store, HeldBack where a feed is wrong and nobody wants the
    scores all the same (`override`), FloorsFailed where the first version of all failed its floors, and whatever the
    steps raise; nothing is published then.
    """
    registry = Registry(settings.tracking, settings.state / "artifacts", settings.model)
    with ScoreStore.open(settings.score_store) as store, only_run(store):
        checked = read(settings, report)
        moment = as_of_or_extract(as_of, checked)
        digest = fingerprint(checked.tables)
        matrix = build(checked.tables, spine(checked.tables, [moment]), progress=report)
        feeds = feeds_now(registry, checked.tables, matrix, CHAMPION, report) if registry.has(CHAMPION) else Now()
        passed = let_pass(store, feeds.alarms, override, as_of=moment, at=now)
        if passed and settings.retrain != "always":
            done = Retraining("none", ("a feed is wrong, and a model made of it would be too",))
        else:
            done = _retrain(settings, registry, checked.tables, moment, digest, now, feeds, report)
        if done.version is not None and not registry.has(CHAMPION):
            raise _no_champion(registry.find(done.version))
        model, version = registry.load(CHAMPION)
        before = store.at()
        found = store.made_of(moment, version.name, version.number, digest)
        batch = found or score(
            checked.tables,
            model,
            store,
            as_of=moment,
            known_at=now,
            model_name=version.name,
            model_version=version.number,
            targets=read_targets(settings.targets).values if settings.targets else {},
            grace_days=settings.grace_days,
            data_digest=digest,
            checked=checked,
            quarantine=settings.state / "quarantine",
            matrix=matrix,
            progress=report,
        )
        beside = _shadow(registry, store, batch, report) if settings.shadow else None
        return Summary(
            outcome="nothing_new" if found else "published",
            as_of=batch.as_of,
            known_at=batch.known_at,
            batch_id=batch.batch_id,
            accounts=batch.accounts,
            late=before is not None and before.as_of > moment,
            model=version.name,
            model_version=version.number,
            mode=model.card.mode,
            proven=is_proven(registry.find(version.number)),
            retraining=done,
            shadow=beside,
            let_through=passed,
            findings=len(checked.findings),
            quarantined_rows=sum(map(checked.rows_quarantined, checked.quarantine)),
            data_digest=digest,
        )


def _retrain(
    settings: Settings,
    registry: Registry,
    tables: Tables,
    as_of: datetime,
    digest: str,
    now: datetime,
    feeds: Now,
    report: Report,
) -> Retraining:
    """Train or recalibrate where it is wanted, and promote by the floors; what an earlier run left open comes first."""
    if settings.retrain == "never":
        return Retraining("none", ("--retrain never",))
    if registry.has(CHALLENGER):
        registry.champions.finish()
    versions = registry.versions()
    same = next((v for v in versions if _made_of(v, as_of, digest)), None)
    if same is not None:
        number = same.version.number
        if "decision" in same.tags:
            return Retraining("none", (f"version {number} was made of the same data for this day",), number)
        verdict = settle(registry, number, at=now, by=BY)
        action: retraining.Action = "recalibrate" if "recalibrated_from" in same.tags else "train"
        return _told(action, (f"version {number} was made by a run that ended before it decided",), number, verdict)
    champion = champion_of(registry)
    wanted = _wanted(settings, registry, champion, versions, tables, as_of, feeds, report)
    try:
        done = _do(settings, registry, wanted, tables, as_of, report)
    except HistoryError as error:
        if champion is None:
            raise
        return Retraining("none", (*wanted.reasons, f"but it can't be done: {error}"))
    if done.action == "train" and done.decision == "kept_challenger" and wanted.level_off:
        failed = f"version {done.version}, trained for it, stays challenger: {done.decision_reason}"
        only_level = retraining.Wanted("recalibrate", (*wanted.reasons, failed))
        with suppress(HistoryError):
            return _do(settings, registry, only_level, tables, as_of, report)
    return done


def _wanted(
    settings: Settings,
    registry: Registry,
    champion: Facts | None,
    versions: Sequence[Facts],
    tables: Tables,
    as_of: datetime,
    feeds: Now,
    report: Report,
) -> retraining.Wanted:
    if champion is None:
        return retraining.wanted(None)
    model = registry.load(champion.version.number)[0]
    stands = retraining.standing(model, tables, as_of, proof(registry, champion.version.number), report)
    wanted = retraining.wanted(replace(stands, drifted=feeds.drifted), retraining.attempts(versions))
    if settings.retrain == "always" and as_of >= stands.trained_until:
        return replace(wanted, action="train", reasons=("--retrain always",))
    return wanted


def _do(
    settings: Settings, registry: Registry, wanted: retraining.Wanted, tables: Tables, as_of: datetime, report: Report
) -> Retraining:
    if wanted.action == "train":
        recipe = Recipe(settings.grace_days, settings.seed, scorecard=read_scorecard(settings.scorecard or DEFAULT))
        made = make_version(tables, registry, until=as_of, recipe=recipe, promote="by floors", by=BY, progress=report)
    elif wanted.action == "recalibrate":
        made = recalibrate_version(tables, registry, until=as_of, promote="by floors", by=BY, progress=report)
    else:
        return Retraining("none", wanted.reasons)
    return _told(wanted.action, wanted.reasons, made.version.number, made.verdict)


def _no_champion(version: Facts) -> FloorsFailed:
    number = version.version.number
    return FloorsFailed(
        f"there is no champion to score by, and version {number} stays challenger: {version.tags['decision_reason']} "
        f"A run in {retraining.AGAIN.days} days trains again, with what is known then. To score by this one all the "
        f"same: healthscore promote {number} --force --reason REASON"
    )


def _told(action: retraining.Action, reasons: tuple[str, ...], number: str, verdict: Verdict | None) -> Retraining:
    assert verdict is not None, "it was to be decided by floors"
    return Retraining(action, reasons, number, "promoted" if verdict.promote else "kept_challenger", verdict.reason)


def _made_of(version: Facts, as_of: datetime, digest: str) -> bool:
    """Whether a run made a version of this data for this day."""
    wanted = {"made_by": BY, "until": as_of.isoformat(), "data_digest": digest}
    return wanted.items() <= version.tags.items()


def _shadow(registry: Registry, store: ScoreStore, batch: Batch, report: Report) -> Shadow | None:
    """The challenger's scores of the batch, stored apart; None where there is no challenger."""
    if not registry.has(CHALLENGER):
        return None
    challenger: HealthModel
    challenger, version = registry.load(CHALLENGER)
    report(f"scores of the challenger, version {version.number}")
    return shadow(store, batch, challenger, version.number)
