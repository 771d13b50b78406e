"""How much longer a list of 200,000 accounts takes than one of 2,000, with filters and orders; and publishing by COPY.

    python tests/benchmarks/listing.py [accounts]

Times are medians over the HTTP service in this process, on SQLite; only the ratios mean anything.
"""

import random
import statistics
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter

sys.path[0] = str(Path(__file__).parents[2])  # or serving.py beside this file would be taken for the package

from fastapi.testclient import TestClient  # noqa: E402

from features.signal import DIMENSIONS  # noqa: E402
from serving.api import create_app  # noqa: E402
from serving.scores import AccountScore, Batch  # noqa: E402
from serving.store import ScoreStore  # noqa: E402
from training.model import band_of  # noqa: E402

SMALL, LARGE = 2_000, 200_000
AS_OF = datetime(2026, 11, 1)
QUERIES = (
    "",
    "?segment=enterprise&sort=health",
    "?owner=owner07&sort=-arr_at_risk",
    "?health_max=35&sort=-arr",
    "?risk_365d_min=0.9&renewal_within=90d&sort=renewal_at",
    "?points_below=adoption:-12&sort=points_adoption",
    "?q=account 1&sort=name",
    "?band=critical&region=EMEA&coverage_min=0.9&sort=-renewal_risk",
)
REPEATS = 60


def accounts(number: int) -> Iterator[AccountScore]:
    """So many accounts, at random."""
    rng = random.Random(1)
    for at in range(number):
        health, risk, arr = rng.uniform(0, 100), rng.random(), rng.lognormvariate(10, 1)
        yield AccountScore(
            account_id=f"A{at:06d}", name=f"Account {at}", segment=rng.choice(["small", "mid_market", "enterprise"]),
            region=rng.choice(["EMEA", "APAC", "AMER"]), owner=f"owner{rng.randrange(100):02d}", arr=arr,
            renewal_at=AS_OF + timedelta(days=rng.randrange(365)), health=health, band=band_of(health),
            risk_30d=risk / 8, risk_90d=risk / 4, risk_180d=risk / 2, risk_365d=risk, renewal_risk=risk,
            arr_at_risk=arr * risk, coverage=rng.random(), base_points=50.0,
            points={dimension: rng.gauss(0, 6) for dimension in DIMENSIONS},
        )  # fmt: skip


def served(folder: Path, number: int) -> TestClient:
    """The service on a store of so many accounts."""
    store = ScoreStore.open(f"sqlite:///{folder / f'{number}.db'}")
    batch = Batch(as_of=AS_OF, known_at=AS_OF, model_name="m", model_version="1", mode="learned",
                  catalogue_digest="d", accounts=number)  # fmt: skip
    store.publish(batch, accounts(number))
    return TestClient(create_app(store), base_url="http://127.0.0.1")


def main(large: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clients = {number: served(Path(folder), number) for number in (SMALL, large)}
        for number, client in clients.items():
            began = perf_counter()
            client.get("/v1/accounts").raise_for_status()
            print(f"first list of {number:,} accounts (the batch is read): {perf_counter() - began:.2f} s")
        print(f"\n{'list':68}{SMALL:>12,}{large:>12,}   ratio")
        for query in QUERIES:
            times: dict[int, list[float]] = {number: [] for number in clients}
            for _ in range(REPEATS):
                for number, client in clients.items():  # in turn, so that both meet the same machine
                    began = perf_counter()
                    client.get(f"/v1/accounts{query}").raise_for_status()
                    times[number].append(perf_counter() - began)
            small, big = (statistics.median(times[number]) for number in clients)
            print(f"/v1/accounts{query:56}{1000 * small:9.1f} ms{1000 * big:9.1f} ms {big / small:7.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LARGE)
