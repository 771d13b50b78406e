"""One flow through everything: exports, check, signals, train, score, serve, by the commands a user types."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer

from serving.main import app
from tests.forking import Forking, environment

HEALTHSCORE = Path(sys.executable).parent / "healthscore"
COMMAND = "import sys; from serving.main import main; sys.argv[0] = 'healthscore'; sys.exit(main())"
"""What the installed program does."""
Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(forking: Forking) -> Run:
    """What a command prints; standard error too where it fails as expected."""

    def run(*words: object, cwd: Path, code: int = 0, **variables: str) -> str:
        given = environment(**{"COLUMNS": "120"} | variables)
        done = forking.run(COMMAND, *map(str, words), cwd=cwd, given=given)
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout if code == 0 else done.stderr

    return run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    """A folder where the job has been run up to the scores."""
    folder = tmp_path_factory.mktemp("home")
    command = [HEALTHSCORE, "simulate", "company", "--accounts", "300", "--months", "30"]
    simulated = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    assert "300 accounts in company" in simulated.stdout
    (folder / "healthscore.toml").write_text('source = "company"\n')
    report = run("check", cwd=folder)
    assert "usage_daily" in report
    assert "duplicate_row" in report
    assert list((folder / "mlruns" / "quarantine").glob("*.csv"))
    assert "1 snapshot up to 2026-01-01: signals.parquet" in run("signals", cwd=folder)
    trained = run("train", cwd=folder)
    assert re.search(r"healthscore version 1, champion, (blended|learned)", trained)
    assert "90 days" in trained
    told = run("receipt", "--output", "receipt.html", cwd=folder)
    assert "expected ÷ actual" in told
    assert "<h1>" in (folder / "receipt.html").read_text()
    scored = run("score", cwd=folder)
    assert re.search(r"\d+ accounts scored as of 2026-01-01 by healthscore version 1", scored)
    return folder


@pytest.fixture(scope="module")
def address(home: Path, forking: Forking):
    """Where the scores are served, on a port the system chose."""
    server = forking.start(COMMAND, "serve", "--port", "0", cwd=home)
    found = re.match(r"Serving on (http://127\.0\.0\.1:\d+)/", server.stdout.readline())
    yield found.group(1)
    server.send_signal(signal.SIGINT)
    _, said = server.communicate(timeout=20)
    assert server.returncode == 0, said


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_the_state_folder_holds_everything(home: Path) -> None:
    assert {path.name for path in (home / "mlruns").iterdir()} >= {"mlflow.db", "artifacts", "scores.db", "quarantine"}
    assert not (home / "mlflow.db").exists()


def test_accounts_come_with_the_most_money_at_risk_first(address: str, home: Path) -> None:
    page = get(f"{address}/v1/accounts?limit=200")
    at_risk = [account["arr_at_risk"] for account in page["accounts"]]
    assert at_risk == sorted(at_risk, reverse=True)
    customers = pl.read_parquet(home / "signals.parquet").height
    assert page["totals"]["accounts"] == customers > 50


def test_an_account_says_how_it_is_and_why(address: str) -> None:
    account = get(f"{address}/v1/accounts?limit=1")["accounts"][0]["account_id"]
    detail = get(f"{address}/v1/accounts/{account}")
    assert {"health", "band", "risk_30d", "risk_90d", "risk_180d", "risk_365d", "coverage"} <= set(detail)
    assert detail["model_version"] == "1"
    assert detail["as_of"] == "2026-01-01T00:00:00Z"
    total = detail["base_points"] + sum(detail["points"].values())
    assert detail["health"] == pytest.approx(min(max(total, 0), 100), abs=1e-9)
    assert detail["freshness"]["community_threads"]["status"] == "stale"  # the feed that stops


def test_it_is_alive_ready_and_documented(address: str) -> None:
    assert get(f"{address}/healthz")
    assert get(f"{address}/readyz")
    assert "/v1/accounts/{account_id}" in get(f"{address}/openapi.json")["paths"]
    for page in ("/", "/docs"):
        with urllib.request.urlopen(address + page, timeout=10) as answer:
            assert answer.status == 200
            assert answer.headers["content-type"].startswith("text/html")


def test_scoring_again_while_serving_is_seen_at_once(run: Run, address: str, home: Path) -> None:
    before = get(f"{address}/readyz")
    run("score", "--as-of", "2025-12-04", cwd=home)
    after = get(f"{address}/readyz")
    assert after["batch_id"] == before["batch_id"], "an older as_of doesn't replace a newer one"
    run("score", cwd=home)
    after = get(f"{address}/v1/accounts?limit=1")["batch"]
    assert after["batch_id"] not in json.dumps(before)


def test_a_second_version_waits_as_challenger(run: Run, home: Path) -> None:
    assert "healthscore version 2, challenger" in run("recalibrate", "--since", "2024-06-01", cwd=home)
    assert "by healthscore version 1" in run("score", cwd=home)
    assert "by healthscore version 2" in run("score", "--model", "challenger", cwd=home)


def test_the_model_in_use_is_watched(run: Run, home: Path, address: str) -> None:
    told = run("monitor", "--output", "monitoring.html", cwd=home)
    assert re.search(r"healthscore version 1 as of 2026-01-01, \d+ accounts, against the year before", told)
    assert "To do: nothing." in told
    assert "<h1>" in (home / "monitoring.html").read_text()
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        assert "healthscore_advice" in answer.read().decode()


@pytest.mark.parametrize(
    "words, code, says",
    [
        (("check",), 2, "no source: give --source"),
        (("check", "--source", "nowhere"), 3, "nowhere"),
        (("score", "--source", "company"), 5, "train one first"),
        (("train", "--source", "company", "--as-of", "2031-01-01"), 2, "after the data was extracted"),
        (("train", "--source", "company", "--scorecard", "nowhere.toml"), 2, "nowhere.toml can't be read"),
        (("serve", "--port", "70000"), 2, "--port is 70000"),
        (("simulate", "company", "--accounts", "0"), 2, "accounts"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_what_goes_wrong_is_one_message_and_a_documented_exit_code(
    run: Run, words: tuple[str, ...], code: int, says: str, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "company").symlink_to(home / "company")
    message = run(*words, cwd=tmp_path, code=code)
    assert says in message
    assert "Traceback" not in message


def test_settings_are_shown_with_their_origin(run: Run, home: Path) -> None:
    shown = run("settings", cwd=home, HEALTHSCORE_GRACE_DAYS="45")
    assert re.search(r"source +company +healthscore\.toml: source", shown)
    assert re.search(r"grace_days +45 +HEALTHSCORE_GRACE_DAYS", shown)
    assert re.search(r"port +8000 +default", shown)
    store = run("settings", cwd=home, HEALTHSCORE_STORE="postgresql://ada:s3cret@host/scores")
    assert "postgresql://ada:***@host/scores" in store


def test_the_catalogue_is_told(run: Run, tmp_path: Path) -> None:
    assert "signals; ↑ more is better" in run("signals", "list", cwd=tmp_path)
    assert "defect_rate_84d" in run("signals", "list", "--dimension", "support", cwd=tmp_path)
    assert re.search(r"direction +less is better", run("signals", "describe", "defect_rate_84d", cwd=tmp_path))
    assert "did you mean `defect_rate_84d`" in run("signals", "describe", "defects_rate_84d", cwd=tmp_path, code=2)


def test_several_snapshots_on_another_engine(run: Run, home: Path) -> None:
    several = ("signals", "--since", "2025-11-01", "--every", "28d", "--engine")
    for engine in ("polars", "duckdb"):
        assert "3 snapshots" in run(*several, engine, "--out", f"{engine}.parquet", cwd=home)
    polars, duckdb = (pl.read_parquet(home / f"{engine}.parquet") for engine in ("polars", "duckdb"))
    assert polars["as_of"].n_unique() == 3
    assert polars.select("account_id", "as_of", "arr").equals(duckdb.select("account_id", "as_of", "arr"))


def test_the_book_is_measured(run: Run, home: Path) -> None:
    (home / "targets.toml").write_text("[targets]\nnrr = 1.05\n")
    told = run("book", "--targets", "targets.toml", cwd=home)
    assert re.search(r"^nrr .* 105\.0 % +share +(missed|met)", told, re.MULTILINE)
    assert "measures as of 2026-01-01" in run("book", "--by", "segment", "--out", "book.csv", cwd=home)
    assert set(pl.read_csv(home / "book.csv")["group"].unique()) == {"enterprise", "mid_market", "small"}


def test_every_verb_has_an_example() -> None:
    def verbs(command: Any, *path: str) -> dict[tuple[str, ...], Any]:
        below = getattr(command, "commands", {})
        return {found: verb for name, sub in below.items() for found, verb in verbs(sub, *path, name).items()} or {
            path: command
        }

    known = verbs(typer.main.get_command(app))
    assert {path[0] for path in known} >= {"simulate", "check", "signals", "book", "train", "receipt", "score", "serve"}
    for path, verb in known.items():
        assert (verb.epilog or "").startswith("Example: "), path
        assert f"healthscore {' '.join(path)}" in verb.epilog
