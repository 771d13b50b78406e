"""An account's timeline: the latest scoring's, never showing at a moment what became known after it."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from features.timeline import BACK, timelines
from serving.account_timeline import AccountTimeline, Entry, account_timeline
from serving.api import create_app
from serving.errors import BadParameter, UnknownAccount
from serving.pages.timeline import timeline_shown
from serving.pages.timeline_strip import MOST_OF_IT, WIDTH
from serving.pages.timeline_words import in_words
from serving.reach import EVERYTHING, Reach
from serving.retention import prune
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore
from serving.timelines import Timeline, account_timelines
from tests.features.small_company import tables

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

AS_OF = datetime(2026, 11, 1)


def day(number: float) -> datetime:
    """A moment so many days after `AS_OF`."""
    return AS_OF + timedelta(days=number)


ROWS: dict[str, list[dict[str, Any]]] = {
    "contracts": [
        {"contract_id": "C1", "term_start": day(-280), "term_end": day(85), "arr": 900.0},
        {"contract_id": "C1", "term_start": day(-280), "term_end": day(40), "arr": 600.0, "available_at": day(-6)},
    ],
    "engagements": [{"engaged_at": day(-20), "kind": "qbr", "outcome": "positive", "contact_role": "executive"},
                    {"engaged_at": day(-9), "kind": "email", "available_at": day(-2)}],
    "tickets": [{"ticket_id": "T1", "opened_at": day(-12), "closed_at": day(-5), "category": "defect", "severity": 1},
                {"ticket_id": "T2", "opened_at": day(-3), "category": "how_to", "severity": 4}],
    "objectives": [{"objective_id": "O1", "created_at": day(-60), "due_at": day(-15), "achieved_at": day(-4)},
                   {"objective_id": "O2", "created_at": day(-30), "due_at": day(30)}],
    "surveys": [{"responded_at": day(-14), "kind": "nps", "score": 9.0, "respondent_role": "champion"}],
    "incidents": [{"started_at": day(-8), "ended_at": day(-7.5), "severity": 3}],
}  # fmt: skip


def made(rows: dict[str, list[dict[str, Any]]], as_of: datetime = AS_OF) -> list[Timeline]:
    """The timeline of account a."""
    held = {name: [{"account_id": "a"} | row for row in some] for name, some in rows.items()}
    return list(account_timelines(timelines(tables(held), as_of, pl.DataFrame({"account_id": ["a"]}))))


@pytest.fixture
def told(store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> ScoreStore:
    """Accounts a and b, scored a week ago and today; of b the sources tell nothing."""
    for number in (-7, 0):
        store.publish(
            make_batch(2, day=number),
            [make_score("a", owner="Ada"), make_score("b", owner="Ken")],
            timelines=made(ROWS, day(number)),
        )
    return store


def brief(timeline: AccountTimeline) -> list[tuple[str, str, float, str | None]]:
    """Lane, kind, days after `AS_OF` and state of each entry."""
    return [(entry.lane, entry.kind, (entry.at - AS_OF).days, entry.state) for entry in timeline.entries]


NOW = [
    ("contract", "started", -280, None),
    ("touches", "qbr", -20, None),
    ("surveys", "nps", -14, None),
    ("tickets", "defect", -12, "done"),
    ("touches", "email", -9, None),
    ("incidents", "outage", -8, "done"),
    ("contract", "amended", -6, None),
    ("plan", "objective", -4, "done"),
    ("tickets", "how_to", -3, "open"),
    ("plan", "objective", 30, "open"),
    ("contract", "renewal", 40, None),
]
A_WEEK_AGO = [
    ("contract", "started", -280, None),
    ("touches", "qbr", -20, None),
    ("plan", "objective", -15, "late"),  # achieved since
    ("surveys", "nps", -14, None),
    ("tickets", "defect", -12, "open"),  # closed since
    ("incidents", "outage", -8, "done"),
    ("plan", "objective", 30, "open"),
    ("contract", "renewal", 85, None),  # amended since; the mail of nine days ago was logged two days ago
]


@pytest.mark.parametrize(
    "as_of, expected",
    [(None, NOW), (date(2026, 11, 1), NOW), (date(2027, 1, 1), NOW), (date(2026, 10, 31), A_WEEK_AGO),
     (date(2026, 10, 25), A_WEEK_AGO)],
)  # fmt: skip
def test_a_moment_shows_what_was_known_then(
    told: ScoreStore, as_of: date | None, expected: list[tuple[str, str, int, str | None]]
) -> None:
    found = account_timeline(told, "a", reach=EVERYTHING, as_of=as_of)
    assert brief(found) == expected
    assert found.begins_at == AS_OF - BACK
    assert all(entry.known_at <= found.as_of for entry in found.entries)
    assert all(entry.ended_at is None or entry.ended_at <= found.as_of for entry in found.entries)


def test_what_is_not_known(told: ScoreStore) -> None:
    nothing = account_timeline(told, "b", reach=EVERYTHING)
    assert (nothing.known, nothing.entries) == (False, [])
    with pytest.raises(BadParameter, match="later day"):
        account_timeline(told, "a", reach=EVERYTHING, as_of=date(2026, 10, 24))
    for account_id, reach in (("nobody", EVERYTHING), ("a", Reach("Ken")), ("a\x00", EVERYTHING)):
        with pytest.raises(UnknownAccount):
            account_timeline(told, account_id, reach=reach)


def test_the_latest_scoring_s_takes_the_place_of_the_former(
    told: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    before = account_timeline(told, "a", reach=EVERYTHING)
    old = make_batch(1, day=-3)  # an older moment, scored again: it isn't shown
    told.publish(old, [make_score("a", owner="Ada")], timelines=made({}))
    assert account_timeline(told, "a", reach=EVERYTHING) == before
    more = {"engagements": [*ROWS["engagements"], {"engaged_at": day(6), "kind": "call"}]}
    told.publish(make_batch(1, day=7), [make_score("a", owner="Ada")], timelines=made(ROWS | more, day(7)))
    kinds = [entry.kind for entry in account_timeline(told, "a", reach=EVERYTHING).entries]
    assert "call" in kinds
    assert brief(account_timeline(told, "a", reach=EVERYTHING, as_of=date(2026, 11, 1))) == NOW


def test_who_has_left_keeps_it_as_long_as_its_scores(
    told: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    told.publish(make_batch(1, day=7), [make_score("b", owner="Ken")])
    assert len(account_timeline(told, "a", reach=EVERYTHING).entries) == len(NOW)
    prune(told, day(3))
    with pytest.raises(UnknownAccount):
        account_timeline(told, "a", reach=EVERYTHING)


def test_over_http(told: ScoreStore) -> None:
    with TestClient(create_app(told), base_url="http://127.0.0.1") as client:
        answer = client.get("/v1/accounts/a/timeline")
        assert [entry["kind"] for entry in answer.json()["entries"]] == [kind for _, kind, *_ in NOW]
        tag = {"If-None-Match": answer.headers["etag"]}
        assert client.get("/v1/accounts/a/timeline", headers=tag).status_code == 304
        before = client.get("/v1/accounts/a/timeline?as_of=2026-10-25", headers=tag)
        assert len(before.json()["entries"]) == len(A_WEEK_AGO)
        asked = {"nobody/timeline": 404, "a/timeline?as_of=soon": 422, "a/timeline?as_of=2020-01-01": 422,
                 "a/timeline?colour=red": 422}  # fmt: skip
        assert {path: client.get(f"/v1/accounts/{path}").status_code for path in asked} == asked


def test_the_page_says_the_same_twice(told: ScoreStore) -> None:
    with TestClient(create_app(told), base_url="http://127.0.0.1", headers={"Accept": "text/html"}) as client:
        text = client.get("/accounts/a").text
        assert "The same in words (11)" in text
        assert text.count("Defect T1, severity 1, closed after 7 days") == 2  # a mark's title, and the list
        assert "The next scoring writes it" in client.get("/accounts/b").text


def test_older_months_are_told_when_they_are_asked_for(told: ScoreStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.pages.timeline.LATEST_MONTHS", 1)
    with TestClient(create_app(told), base_url="http://127.0.0.1", headers={"Accept": "text/html"}) as client:
        latest = client.get("/accounts/a?since=7").text
        assert latest.count("Contract began") == 1, "on the strip"
        assert '<a href="/accounts/a?since=7&amp;whole=1#timeline">Before that (1)</a>' in latest
        whole = client.get("/accounts/a?since=7&whole=1").text
    assert whole.count("Contract began") == 2
    assert "Before that" not in whole
    assert '<details class="by-month" open>' in whole


def entry(lane: str, kind: str, at: float, **facts: object) -> Entry:
    """An entry so many days after `AS_OF`."""
    made = {"lane": lane, "kind": kind, "at": day(at), "known_at": day(at), **facts}
    return Entry.model_validate({**dict.fromkeys(Entry.model_fields), **made})


@pytest.mark.parametrize(
    "entries, words",
    [
        ([entry("touches", "qbr", -9, outcome="positive", contact_role="executive")],
         "Business review, with an executive, positive"),
        ([entry("touches", "email", -9, direction="inbound")], "Email from them"),
        ([entry("tickets", "how_to", -9, id="T2", severity=4, state="open")],
         "How-to question T2, severity 4, open for 9 days"),
        ([entry("tickets", "other", -9, ended_at=day(-8.9))], "Support request, closed after 2 hours"),
        ([entry("incidents", "outage", -9, severity=1, ended_at=day(-9) + timedelta(seconds=40))],
         "Outage, severity 1, over after 1 minute"),
        ([entry("surveys", "csat", -9, score=4.0)], "Satisfaction 4 of 5"),
        ([entry("surveys", "impact", -9, score=-0.25)], "Perceived impact −0.2"),
        ([entry("plan", "objective", -4, id="O1", ended_at=day(-4), due_at=day(-15))],
         "Objective O1 achieved 11 days late, due 17 Oct 2026"),
        ([entry("plan", "objective", 30, id="O2", due_at=day(30))], "Objective O2 due"),
        ([entry("plan", "objective", -3, id="O3", due_at=day(-3))], "Objective O3 was due and isn't achieved"),
        ([entry("plan", "training", -9, id="user course", ended_at=day(-9), due_at=day(-9))],
         "Training step “user course” reached on its due day"),
        ([entry("contract", "renewal", 40, arr=600.0), entry("contract", "renewal", 40, arr=400.0)],
         "Renewal due, 2 contracts, 1,000 ARR"),
        ([entry("contract", "notice", -1)], "Notice of leaving given"),
    ],
)  # fmt: skip
def test_entries_in_words(entries: Sequence[Entry], words: str) -> None:
    assert in_words(entries, AS_OF) == words


@pytest.mark.parametrize("renewal", [None, 5, 90, 300, 1000])
def test_the_strip_ends_behind_the_next_renewal_and_leaves_room_for_the_past(renewal: float | None) -> None:
    timeline = AccountTimeline(
        account_id="a", as_of=AS_OF, begins_at=AS_OF - BACK, known=True, left_out={},
        entries=[entry("touches", "call", at) for at in (-364, -180, -1)],
    )  # fmt: skip
    shown = timeline_shown(timeline, [], None if renewal is None else day(renewal))
    assert shown is not None
    touches = next(lane for lane in shown.strip.lanes if lane.lane == "touches").marks
    assert [mark.x for mark in touches] == sorted(mark.x for mark in touches)
    assert shown.strip.today >= WIDTH * (1 - MOST_OF_IT) - 30
    assert (shown.strip.renewal is not None) == (renewal in {5, 90, 300})
    if shown.strip.renewal:
        assert shown.strip.today < shown.strip.renewal.at < WIDTH
