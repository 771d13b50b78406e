"""Metrics for Prometheus: requests by route, and what is being served.

Where several processes serve, each keeps its counts in files of the folder that `PROMETHEUS_MULTIPROC_DIR` names, and
whichever is asked adds them up.
"""

import os
from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from features.errors import UnavailableError
from serving.errors import NothingPublished
from serving.looks import Look, last_look
from serving.store import ScoreStore

FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The counts of one app, and the state of its store when asked."""

    def __init__(self, store: ScoreStore, clock: Callable[[], datetime]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "healthscore_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "healthscore_request_seconds", "Time until a request was answered, seconds.", ["method", "route"],
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._labelled: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._served = _Served(store, clock)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        labels = method, route, status
        if labels not in self._labelled:
            self._labelled[labels] = self._requests.labels(*labels), self._seconds.labels(method, route)
        requests, took = self._labelled[labels]
        requests.inc()
        took.observe(seconds)

    def text(self) -> bytes:
        """All metrics in Prometheus's text format."""
        shown = CollectorRegistry()
        if FOLDER in os.environ:
            MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
        else:
            shown.register(self._registry)
        shown.register(self._served)
        return generate_latest(shown)


class _Served:
    """What is served, read from the store when it is collected."""

    def __init__(self, store: ScoreStore, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    def collect(self) -> Iterator[Metric]:
        """Whether the store answers and, where a batch is published, its age, its size and its model."""
        try:
            batch = self._store.current()
        except UnavailableError as error:
            up = isinstance(error, NothingPublished)
            yield GaugeMetricFamily("healthscore_store_up", "Whether the score store answers.", float(up))
            return
        age_s = (self._clock() - batch.as_of).total_seconds()
        yield GaugeMetricFamily("healthscore_store_up", "Whether the score store answers.", 1.0)
        yield GaugeMetricFamily("healthscore_batch_age_seconds", "Time since the current batch's as_of.", age_s)
        yield GaugeMetricFamily("healthscore_batch_accounts", "Accounts in the current batch.", batch.accounts)
        yield InfoMetricFamily(
            "healthscore_model", "The model that made the current batch.",
            {"name": batch.model_name, "version": batch.model_version, "mode": batch.mode},
        )  # fmt: skip
        if (look := last_look(self._store)) is not None:
            yield from _looked(look, self._clock())


_SEEN = ("auc", "expected_to_actual", "expected_to_actual_arr")


def _looked(look: Look, now: datetime) -> Iterator[Metric]:
    """What the last `healthscore monitor` saw; what it couldn't tell isn't there."""
    age_s = (now - datetime.fromisoformat(look["as_of"])).total_seconds()
    yield GaugeMetricFamily(
        "healthscore_look_age_seconds", "Time since the as_of of the last look at the model.", age_s
    )
    yield InfoMetricFamily("healthscore_advice", "What the last look says to do.", {"action": look["advice"]["action"]})
    alarms = GaugeMetricFamily(
        "healthscore_alarm", "Alarms of the last look, 1 each.", labels=["severity", "kind", "about"]
    )
    for alarm in look["alarms"]:
        alarms.add_metric([alarm["severity"], alarm["kind"], alarm["about"]], 1.0)
    yield alarms
    drifts = GaugeMetricFamily(
        "healthscore_psi", "Population stability index of signals and scores against the year before the model.",
        labels=["name", "segment"],
    )  # fmt: skip
    for drift in look["drifts"]:
        drifts.add_metric([drift["name"], drift["segment"] or ""], drift["psi"])
    yield drifts
    for figure in _SEEN:
        matured = GaugeMetricFamily(
            f"healthscore_matured_{figure}", "Published scores of the last half year against what happened.",
            labels=["days", "segment"],
        )  # fmt: skip
        for entry in look["matured"]:
            if (value := entry["figures"][figure]["value"]) is not None:
                matured.add_metric([str(entry["days"]), entry["segment"] or ""], value)
        yield matured
    expected = GaugeMetricFamily("healthscore_expected_auc", "AUC of the newest scores if calibrated.", labels=["days"])
    for each in look["expected"]:
        if each["segment"] is None and each["auc"] is not None:
            expected.add_metric([str(each["days"])], each["auc"])
    yield expected
