"""A real browser on a real server: a small company scored twice, with a key for each role."""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import quote, urlsplit

import polars as pl
import pytest
import uvicorn

from features.findings import Checked, Example, Finding
from features.tables import Tables
from serving.access.keys import Keys
from serving.access.roles import Role
from serving.accounts import account_page
from serving.api import create_app
from serving.listing import AccountQuery
from serving.read_models import AccountRow
from serving.scoring import score
from serving.store import ScoreStore
from tests.serving.receipts import PROOF, with_versions
from training.model import HealthModel
from training.tracking import CHAMPION, Registry

NOW = datetime(2026, 1, 2)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass(frozen=True)
class Service:
    """Where it answers, the csm's name, the id of their account with the most ARR at risk, and a key for each role."""

    address: str
    owner: str
    riskiest: str
    keys: dict[Role, str]


@dataclass
class Visit:
    """A tab of the browser, and what it must not have done."""

    page: Any
    service: Service
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def go(self, path: str) -> None:
        """Open a page of the service."""
        self.page.goto(self.service.address + path)

    def sign_in(self, role: Role) -> None:
        """Sign in by the form, wherever it leads."""
        self.page.get_by_label("API key or token").fill(self.service.keys[role])
        self.page.get_by_role("button", name="Sign in").click()

    def barriers(self, rules: list[str] | None = None) -> list[str]:
        """What axe finds on the page that keeps people out: by some rules, or all of WCAG 2.2 A and AA."""
        from axe_playwright_python.sync_playwright import Axe

        levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": levels}
        options = {"runOnly": only, "resultTypes": ["violations"]}
        found = Axe().run(self.page, options=options).response["violations"]
        return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@pytest.fixture(scope="package")
def proven(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Registry:
    """The small company's registry, with a champion that has a whole receipt."""
    own = with_versions(registry, tmp_path_factory.mktemp("proven") / "mlflow.db", [(PROOF.to_json(), {})])
    own.client.set_registered_model_alias(own.name, CHAMPION, "4")
    return own


@pytest.fixture(scope="package")
def service(
    tmp_path_factory: pytest.TempPathFactory, company: tuple[Tables, HealthModel], proven: Registry
) -> Iterator[Service]:
    """The service on a free port; the csm has the account with the most ARR at risk."""
    tables, model = company
    with ScoreStore.open(f"sqlite:///{tmp_path_factory.mktemp('visited') / 'scores.db'}") as store:
        for as_of in (datetime(2025, 12, 4), datetime(2026, 1, 1)):
            score(tables, model, store, as_of=as_of, known_at=as_of + timedelta(hours=4), model_name="churn",
                  model_version="1", checked=_checked(tables), quarantine=Path("quarantine"))  # fmt: skip
        riskiest = _riskiest(store)
        owners: dict[Role, str | None] = {"csm": riskiest.owner, "renewals": None, "admin": None}
        keys = {role: Keys(store).create(role, role, now=NOW, owner=of)[1] for role, of in owners.items()}
        seconds = count()
        app = create_app(store, registry=proven, clock=lambda: NOW + timedelta(seconds=next(seconds)))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server didn't start"
            sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Service(f"http://127.0.0.1:{port}", riskiest.owner or "", riskiest.account_id, keys)
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The browser that is installed; nothing is downloaded."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any, service: Service) -> Iterator[Callable[..., Visit]]:
    """Opens tabs; none may complain on its console, nor ask another host for anything."""
    visits: list[Visit] = []

    def opened(**context: Any) -> Visit:
        page = chromium.new_context(**context).new_page()
        page.set_default_timeout(30_000)  # a busy machine is slow, not wrong
        visit = Visit(page, service)
        page.on("console", lambda said: visit.complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("request", lambda request: visit.hosts.add(urlsplit(request.url).netloc))
        visits.append(visit)
        return visit

    yield opened
    for each in visits:
        each.page.context.close()
        assert each.complaints == []
        assert each.hosts <= {urlsplit(service.address).netloc}


@pytest.fixture(scope="package")
def _cookies() -> dict[Role, Any]:
    """What the browser keeps of a role that has signed in by the form."""
    return {}


@pytest.fixture
def signed_in(visit: Callable[..., Visit], _cookies: dict[Role, Any]) -> Callable[..., Visit]:
    """Opens tabs signed in as a role, at Today: `signed_in("renewals", viewport=…)`; as `visit`, they may not complain.

    A journey is a test that takes this and goes on from there. A role signs in by the form once, and stays so.
    """

    def opened(role: Role, path: str = "/", **context: Any) -> Visit:
        seen = visit(storage_state=_cookies.get(role), **context)
        if role not in _cookies:
            seen.go("/sign-in")
            seen.sign_in(role)
            seen.page.wait_for_url(seen.service.address + "/")
            _cookies[role] = seen.page.context.storage_state()
        seen.go(path)
        return seen

    return opened


@pytest.fixture(scope="package")
def riskiest(service: Service) -> str:
    """The path of the csm's account with the most ARR at risk."""
    return f"/accounts/{quote(service.riskiest, safe='')}"


def _checked(tables: Tables) -> Checked:
    """As if the company's tickets had been found with a row that can't be used."""
    where = Example("tickets", "tickets.csv", 7, "")
    found = tuple(
        Finding("tickets", rule, ("severity",), 1, 0.1, where, done, severity)
        for rule, done, severity in (
            ("unknown_account", "quarantined", "error"), ("out_of_range", "set to missing", "warning"),
            ("spelling", "canonical spelling", "note"),
        )
    )  # fmt: skip
    return Checked(tables, found, {"tickets": pl.DataFrame({"rule": ["unknown_account"]})}, {"tickets": 10}, {})


def _riskiest(store: ScoreStore) -> AccountRow:
    accounts = account_page(store, store.current(), AccountQuery(limit=50), superseded=False).accounts
    return next(account for account in accounts if account.owner)
