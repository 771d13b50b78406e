"""The renewals worklist, the plays in it, and erosion: sums a reader can do by hand."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from serving.api import create_app
from serving.erosion import erosion
from serving.errors import BadPlays
from serving.plays import read_plays
from serving.reach import EVERYTHING, Reach
from serving.renewals import RenewalsQuery, worklist
from serving.scores import AccountScore, Batch, Driver, Signal
from serving.store import ScoreStore

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

PLAYS = """
[[play]]
id = "call"
name = "Call"
what = "Call them."
dimensions = ["engagement"]

[[play]]
id = "ask_who"
name = "Ask who is in charge now"
what = "Find the new sponsor."
signals = ["champion_lost_84d"]
"""


@pytest.fixture
def due(store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> ScoreStore:
    """Five accounts, of which three renew within 90 days."""
    batch = make_batch(5)
    silent = (Signal("touches_84d", 0.0, -6.5), Signal("days_since_last_touch", 71.0, -1.0), Signal("x", 1.0, 3.0))

    def renews(account: str, days: int, arr: float, risk: float | None, **more: object) -> AccountScore:
        renewal_at = batch.as_of + timedelta(days=days)
        return make_score(account, renewal_at=renewal_at, arr=arr, renewal_risk=risk, signals=silent, **more)

    driver = Driver("champion_lost_84d", "engagement", 1.0, "yes/no", None, None, -3.5, "the sponsor has left")
    store.publish(
        batch,
        [
            renews("far", 91, 9000.0, 0.9),
            renews("large", 90, 1000.0, 0.25, drivers=[driver]),
            renews("small", 0, 100.0, 0.5),
            renews("theirs", 30, 600.0, 0.5, owner="Ken Osei"),
            make_score("never", renewal_at=None, renewal_risk=None),
        ],
    )
    return store


@pytest.mark.parametrize(
    "capacity, reach, listed, share",
    [
        (10, EVERYTHING, [("theirs", 300.0), ("large", 250.0), ("small", 50.0)], 1.0),
        (1, EVERYTHING, [("theirs", 300.0)], 0.5),
        (1, Reach("Ada Byron"), [("large", 250.0)], 250 / 300),
        (5, Reach("Nobody"), [], None),
    ],
)
def test_the_largest_expected_loss_comes_first(
    due: ScoreStore, tmp_path: Path, capacity: int, reach: Reach, listed: list[tuple[str, float]], share: float | None
) -> None:
    plays = read_plays()
    found = worklist(due, due.current(), RenewalsQuery(capacity=capacity), reach=reach, plays=plays)
    assert [(row.account_id, row.expected_loss) for row in found.renewals] == listed
    assert found.covered_share == share
    assert found.covered.expected_loss == sum(loss for _, loss in listed)


def test_each_comes_with_why_and_what_to_do(due: ScoreStore, tmp_path: Path) -> None:
    file = tmp_path / "plays.toml"
    file.write_text(PLAYS)
    found = worklist(due, due.current(), RenewalsQuery(capacity=9), reach=EVERYTHING, plays=read_plays(file))
    rows = {row.account_id: row for row in found.renewals}
    assert [reason.signal for reason in rows["small"].reasons] == ["touches_84d", "days_since_last_touch"]
    assert rows["small"].last_touch_days == 71.0
    assert rows["small"].play is not None
    assert (rows["small"].play.id, rows["small"].play.because, rows["small"].play.effect) == (
        "call", "touches_84d", "unknown",
    )  # fmt: skip
    assert [reason.words for reason in rows["large"].reasons] == ["the sponsor has left"]
    assert rows["large"].play is not None
    assert rows["large"].play.id == "ask_who", "a play that names the signal goes before one of its dimension"


def test_over_http(due: ScoreStore) -> None:
    with TestClient(create_app(due), base_url="http://127.0.0.1") as client:
        answer = client.get("/v1/renewals?within=30d&capacity=1")
        assert [row["account_id"] for row in answer.json()["renewals"]] == ["theirs"]
        assert answer.json()["due"]["accounts"] == 2
        assert (
            client.get(
                "/v1/renewals?within=30d&capacity=1", headers={"If-None-Match": answer.headers["etag"]}
            ).status_code
            == 304
        )
        for query in ("within=soon", "within=-1d", "capacity=0", "colour=red"):
            assert client.get(f"/v1/renewals?{query}").status_code == 422, query


@pytest.mark.parametrize(
    "content, says",
    [
        ("[[play", "can't be read"),
        ("[plays]\n", "nothing else"),
        ('[[play]]\nid = "a"\nname = "A"\n', "play 1, what: field required"),
        ('[[play]]\nid = "A b"\nname = "A"\nwhat = "B"\n', "play 1, id"),
        ('[[play]]\nid = "a"\nname = "A"\nwhat = "B"\n', "answers nothing"),
        ('[[play]]\nid = "a"\nname = "A"\nwhat = "B"\ndimensions = ["money"]\n', "play 1, dimensions.0"),
        ('[[play]]\nid = "a"\nname = "A"\nwhat = "B"\nsignals = ["touches_84"]\n', "did you mean touches_84d"),
        (PLAYS + PLAYS, "play 3 has the id 'call'"),
    ],
)
def test_a_wrong_file_of_plays_is_one_clear_error(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "plays.toml"
    file.write_text(content)
    with pytest.raises(BadPlays) as raised:
        read_plays(file)
    assert says in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_renewal_rate_of_82_4_per_cent_leaves_46_per_cent_in_the_fifth_year() -> None:
    today, *better = erosion(0.824).lines
    assert len(today.left) == 5
    assert round(today.left[-1], 2) == 0.46
    assert [round(line.renewal_rate, 3) for line in better] == [0.874, 0.924]
    assert [round(line.left[-1], 3) for line in better] == [round(0.874**4, 3), round(0.924**4, 3)]
    assert [round(line.kept, 3) for line in better] == [round(rate**4 - 0.824**4, 3) for rate in (0.874, 0.924)]


@pytest.mark.parametrize("rate, left", [(0.0, [1.0, 0, 0, 0, 0]), (1.0, [1.0] * 5)])
def test_the_ends_of_erosion(rate: float, left: list[float]) -> None:
    assert erosion(rate, [10.0]).lines[0].left == left
    assert erosion(1.0, [10.0]).lines[1].renewal_rate == 1.0
