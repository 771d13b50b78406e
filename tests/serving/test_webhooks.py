"""Events reach a real receiver: signed, at least once, again after a while when it failed; on both stores."""

import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from serving.api import create_app
from serving.delivery import GIVE_UP_AFTER, Courier, deliver, tell_if_stale, wait_after
from serving.errors import UnknownSubscription
from serving.opinions import OpinionGiven, give_opinion
from serving.reach import EVERYTHING
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore
from serving.webhooks import SubscriptionAsked, SubscriptionMade, delivery_log, subscribe, unsubscribe

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

NOW = datetime(2026, 12, 1)


@dataclass
class Receiver:
    """Somebody else's server: answers with these statuses, then with 200."""

    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on a free port."""
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(received.statuses.pop(0) if received.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield received
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def post(store: ScoreStore) -> Iterator[Callable[[datetime], tuple[int, int]]]:
    """Deliver what is due at a moment: how many were delivered, and how many failed."""
    with httpx2.Client(timeout=5) as client:

        def at(moment: datetime) -> tuple[int, int]:
            done = deliver(store, client, lambda: moment)
            return done.delivered, done.failed

        yield at


def wanted(store: ScoreStore, receiver: Receiver, *kinds: Any) -> SubscriptionMade:
    return subscribe(store, SubscriptionAsked(url=receiver.url, kinds=list(kinds)), author="local", now=NOW)


def publish(
    store: ScoreStore, make: tuple[MakeBatch, MakeScore], day: int, *bands: tuple[float, str], **more: Any
) -> None:
    make_batch, make_score = make
    rows = [make_score(f"a{number}", health=health, band=band, **more) for number, (health, band) in enumerate(bands)]
    store.publish(make_batch(len(rows), day=day), rows)


@pytest.fixture
def make(make_batch: MakeBatch, make_score: MakeScore) -> tuple[MakeBatch, MakeScore]:
    """Both makers."""
    return make_batch, make_score


def test_a_band_change_is_told_signed_and_again_until_it_is_taken(
    store: ScoreStore, receiver: Receiver, post: Any, make: Any
) -> None:
    subscription = wanted(store, receiver, "band_change")
    publish(store, make, 0, (80.0, "healthy"), (47.0, "at_risk"))
    publish(store, make, 7, (20.0, "critical"), (47.0, "at_risk"))
    receiver.statuses = [503, 500]
    assert post(NOW) == (0, 1)
    assert post(NOW) == (0, 0), "not at once again"
    assert post(NOW + wait_after(1)) == (0, 1)
    assert post(NOW + wait_after(1) + wait_after(2)) == (1, 0)
    assert post(NOW + timedelta(days=30)) == (0, 0), "taken once"
    assert len({json.dumps(event) for event in receiver.events()}) == 1
    event = receiver.events()[-1]
    assert event["kind"] == "band_change"
    assert (event["data"]["account_id"], event["data"]["from"], event["data"]["to"]) == ("a0", "healthy", "critical")
    for headers, body in receiver.requests:
        timestamp = headers["healthscore-timestamp"]
        expected = hmac.new(subscription.secret.encode(), f"{timestamp}.".encode() + body, "sha256").hexdigest()
        assert headers["healthscore-signature"] == f"v1={expected}"
        assert datetime.fromtimestamp(int(timestamp), UTC).replace(tzinfo=None) >= NOW
    (logged,) = delivery_log(store, subscription.subscription_id, 10).deliveries
    assert [(attempt.status, attempt.error) for attempt in logged.attempts] == [
        (503, "answered 503"), (500, "answered 500"), (200, None),
    ]  # fmt: skip
    assert (logged.due_at, logged.delivered_at) == (None, NOW + wait_after(1) + wait_after(2))


def test_a_score_on_the_edge_does_not_flap(store: ScoreStore, receiver: Receiver, post: Any, make: Any) -> None:
    wanted(store, receiver, "band_change")
    looks = [51.0, 49.0, 51.0, 49.0, 50.5, 49.0, 48.5, 51.0]  # 49.0 and 48.5: seen twice
    for day, health in enumerate(looks):
        publish(store, make, day, (health, "healthy" if health >= 50 else "at_risk"))
    post(NOW)
    told = [(event["data"]["from"], event["data"]["to"], event["data"]["health"]) for event in receiver.events()]
    assert told == [("healthy", "at_risk", 48.5)]


def test_an_older_moment_scored_later_is_no_news(store: ScoreStore, receiver: Receiver, post: Any, make: Any) -> None:
    wanted(store, receiver, "band_change")
    publish(store, make, 7, (80.0, "healthy"))
    publish(store, make, 0, (80.0, "healthy"))
    publish(store, make, 3, (20.0, "critical"))
    assert post(NOW) == (0, 0)


def test_a_publish_that_fails_tells_nothing(store: ScoreStore, receiver: Receiver, post: Any, make: Any) -> None:
    wanted(store, receiver, "band_change")
    publish(store, make, 0, (80.0, "healthy"))
    make_batch, make_score = make

    def failing() -> Iterator[AccountScore]:
        yield make_score("a0", health=20.0, band="critical")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.publish(make_batch(2, day=1), failing())
    assert post(NOW) == (0, 0)


def test_each_is_told_what_it_wants(store: ScoreStore, receiver: Receiver, post: Any, make: Any) -> None:
    wanted(store, receiver, "notice", "disagreement")
    publish(store, make, 0, (80.0, "healthy"))
    publish(store, make, 1, (20.0, "critical"), notice_given=True)
    publish(store, make, 2, (20.0, "critical"), notice_given=True)
    for rating in ("critical", "healthy"):
        given = OpinionGiven(rating=rating, reason="between us")  # type: ignore[arg-type]
        give_opinion(store, "a0", given, author="ada", now=NOW, reach=EVERYTHING)
    assert post(NOW) == (2, 0)
    assert [event["kind"] for event in receiver.events()] == ["notice", "disagreement"]
    assert "between us" not in json.dumps(receiver.events())


def test_stale_scores_are_told_once(store: ScoreStore, receiver: Receiver, post: Any, make: Any) -> None:
    wanted(store, receiver, "stale")
    tell_if_stale(store, NOW, timedelta(days=28))
    publish(store, make, 0, (80.0, "healthy"))
    as_of = store.current().as_of
    for days in (27, 28, 29, 30):
        tell_if_stale(store, as_of + timedelta(days=days), timedelta(days=28))
    post(as_of + timedelta(days=31))
    assert [event["data"]["days"] for event in receiver.events()] == [29]


def test_who_is_not_there_is_tried_for_a_day_and_a_half_and_given_up(
    store: ScoreStore, receiver: Receiver, post: Any, make: Any
) -> None:
    asked = SubscriptionAsked(url="http://127.0.0.1:1/", kinds=["band_change"])
    subscription = subscribe(store, asked, author="local", now=NOW)
    publish(store, make, 0, (80.0, "healthy"))
    publish(store, make, 1, (20.0, "critical"))
    at, failures = NOW, 0
    while (failed := post(at)[1]) and failures < 50:
        failures += failed
        at += wait_after(failures)
    assert failures == GIVE_UP_AFTER
    assert timedelta(days=1) < at - NOW < timedelta(days=2)
    (logged,) = delivery_log(store, subscription.subscription_id, 10).deliveries
    assert (logged.due_at, logged.delivered_at, len(logged.attempts)) == (None, None, GIVE_UP_AFTER)
    assert logged.attempts[0].error is not None
    assert "ConnectError" in logged.attempts[0].error


def test_an_ended_subscription_gets_nothing_more(store: ScoreStore, receiver: Receiver, post: Any, make: Any) -> None:
    subscription = wanted(store, receiver, "band_change")
    publish(store, make, 0, (80.0, "healthy"))
    publish(store, make, 1, (20.0, "critical"))
    unsubscribe(store, subscription.subscription_id, now=NOW)
    publish(store, make, 2, (80.0, "healthy"))
    assert post(NOW) == (0, 0)
    with pytest.raises(UnknownSubscription):
        unsubscribe(store, subscription.subscription_id, now=NOW)


def test_several_deliverers_deliver_each_once(store: ScoreStore, receiver: Receiver, make: Any) -> None:
    wanted(store, receiver, "band_change")
    publish(store, make, 0, *[(80.0, "healthy")] * 20)
    publish(store, make, 1, *[(20.0, "critical")] * 20)

    def run() -> None:
        with httpx2.Client(timeout=5) as client:
            deliver(store, client, lambda: NOW)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(event["data"]["account_id"] for event in receiver.events()) == sorted(f"a{n}" for n in range(20))


def test_a_deliverer_that_dies_leaves_it_due(store: ScoreStore, receiver: Receiver, post: Any, make: Any) -> None:
    wanted(store, receiver, "band_change")
    publish(store, make, 0, (80.0, "healthy"))
    publish(store, make, 1, (20.0, "critical"))

    class Dies(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            raise KeyboardInterrupt

    with httpx2.Client(transport=Dies()) as client, pytest.raises(KeyboardInterrupt):
        deliver(store, client, lambda: NOW)
    assert post(NOW) == (0, 0), "claimed"
    assert post(NOW + timedelta(minutes=1)) == (1, 0)


def test_the_courier_delivers_while_a_server_runs(sqlite: ScoreStore, receiver: Receiver, make: Any) -> None:
    wanted(sqlite, receiver, "stale")
    publish(sqlite, make, 0, (80.0, "healthy"))
    with Courier(sqlite, timedelta(days=1), lambda: NOW, every_s=0.02):
        for _ in range(500):
            if receiver.requests:
                break
            threading.Event().wait(0.02)
    assert [event["kind"] for event in receiver.events()] == ["stale"]


def test_over_http(sqlite: ScoreStore) -> None:
    with TestClient(create_app(sqlite), base_url="http://127.0.0.1") as client:
        asked = {"url": "https://crm.example.com/hook", "kinds": ["band_change", "band_change"]}
        made = client.post("/v1/webhooks", json=asked)
        assert made.status_code == 201
        assert made.json()["secret"].startswith("hsw_")
        (listed,) = client.get("/v1/webhooks").json()["subscriptions"]
        assert listed == {name: value for name, value in made.json().items() if name != "secret"}
        address = f"/v1/webhooks/{listed['subscription_id']}"
        assert client.get(f"{address}/deliveries").json() == {"deliveries": []}
        assert client.delete(address).status_code == 204
        assert client.delete(address).status_code == 404
        assert client.get("/v1/webhooks").json() == {"subscriptions": []}
        for wrong in ({"url": "file:///etc/passwd"}, {"url": "x"}, {"kinds": []}, {"kinds": ["all"]}, {"secret": "x"}):
            assert client.post("/v1/webhooks", json=asked | wrong).status_code == 422, wrong
        assert client.get("/v1/webhooks/none/deliveries").status_code == 422
