"""Pictures of every page, in light, dark and on a phone: `python tests/serving/browser/screenshots.py FOLDER`.

Of a demo company, scored over the past year: made anew, which takes minutes, or `--state`, the folder that an earlier
run or `healthscore demo --state` left. What the navigation leads to is taken, so a new page needs no line here.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # LightGBM's threads wait without holding a busy core
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
sys.path.insert(0, str(Path(__file__).parents[3]))

END = datetime(2026, 1, 1)
DAYS_BACK = (*range(364, 0, -28), 7, 1)
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "device_scale_factor": 2},
}


def lived(state: Path) -> None:
    """The demo's company in `state`, scored over the past year where it has been scored once; made where it isn't."""
    from features.quality import check
    from features.settings import load_settings
    from features.sources import open_source
    from serving.demo import demo
    from serving.scoring import score
    from serving.store import ScoreStore
    from training.tracking import CHAMPION, Registry

    if not (state / "scores.db").exists():
        demo(accounts=600, serve=False, state=state)
    settings, _ = load_settings({"state": state})
    with ScoreStore.open(settings.score_store) as store:
        if store.at((END - timedelta(days=1)).date()) is not None:
            return
        model, version = Registry(settings.tracking, state / "artifacts", settings.model).load(CHAMPION)
        with open_source(state / "company") as source:
            tables = check(source).tables
        for as_of in (END - timedelta(days=days) for days in DAYS_BACK):
            score(tables, model, store, as_of=as_of, known_at=as_of + timedelta(hours=4), model_name=version.name,
                  model_version=version.number)  # fmt: skip


@contextmanager
def served(state: Path) -> Iterator[str]:
    """The address of a service on it, as on the morning after its last scores."""
    import uvicorn

    from features.settings import load_settings
    from serving.api import create_app
    from serving.store import ScoreStore
    from training.tracking import Registry

    settings, _ = load_settings({"state": state})
    with ScoreStore.open(settings.score_store) as store:
        registry = Registry(settings.tracking, state / "artifacts", settings.model)
        app = create_app(store, settings, registry=registry, clock=lambda: END + timedelta(hours=9))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        thread.join()


def taken(address: str, folder: Path, only: str) -> None:
    """Every page in every look, as `<page>-<look>.png`."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for look, context in LOOKS.items():
            page = browser.new_context(**context).new_page()
            for name, path in pages(page, address).items():
                if only in name:
                    page.goto(address + path)
                    page.screenshot(path=folder / f"{name}-{look}.png", full_page=True)
                    print(folder / f"{name}-{look}.png", flush=True)
        browser.close()


def pages(page: Any, address: str) -> dict[str, str]:
    """Name to path: what the navigation leads to, the account with the most ARR at risk, an empty list, an error."""
    page.goto(f"{address}/accounts?sort=-arr_at_risk")
    links = page.locator("header nav a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    account = page.locator("tr[data-account] a").first.get_attribute("href")
    found = {path.strip("/") or "today": path for path in links}
    return {**found, "account": account, "accounts-none": "/accounts?q=zzz", "problem": "/nowhere"}


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("folder", type=Path, help="Where the pictures go.")
    given.add_argument("--state", type=Path, help="A demo's state; without it one is made, and removed at the end.")
    given.add_argument("--only", default="", help="Pages whose name holds this.")
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as made:
        state = asked.state or Path(made) / "demo"
        lived(state)
        with served(state) as address:
            taken(address, asked.folder, asked.only)
