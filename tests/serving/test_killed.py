"""A publishing process killed at any moment leaves the old batch or the whole new one; on SQLite and PostgreSQL."""

import json

from sqlalchemy import func, select

from serving.schema import batches, books, data_reports, score_details, scores
from serving.store import ScoreStore
from tests.forking import Forking

MOMENTS = 50

# Forks a process for each publish, which it kills after a moment of its own.
PUBLISHING = """
import json, os, random, signal, time
from tests.serving.conftest import batch, score
from serving.store import ScoreStore

random.seed(11)
book = [score(f"a{{number:04d}}", arr=1.0) for number in range(400)]

def publish(day):
    child = os.fork()
    if child == 0:
        try:
            with ScoreStore.open({url!r}) as store:
                store.publish(batch(400, day=day), book, {{"all": [{{"group": "all"}}]}}, {{"check": None}})
        finally:
            os._exit(0)
    return child

took = []
for day in range(3):
    began = time.perf_counter()
    os.waitpid(publish(day), 0)
    took.append(time.perf_counter() - began)
killed = []
for day in range(3, {moments} + 3):
    child = publish(day)
    time.sleep(random.uniform(0, 1.1 * min(took)))
    os.kill(child, signal.SIGKILL)
    killed.append(os.WIFSIGNALED(os.waitpid(child, 0)[1]))
print(json.dumps(killed))
"""


def test_a_batch_is_never_torn(url: str, store: ScoreStore, forking: Forking) -> None:
    program = PUBLISHING.format(url=url, moments=MOMENTS)
    done = forking.run(program)
    assert done.returncode == 0, done.stderr
    assert sum(json.loads(done.stdout)) > MOMENTS / 2, "too few were killed before they were done"
    with store.reading() as connection:
        rows = {
            table.name: dict(
                connection.execute(select(table.c.batch_id, func.count()).group_by(table.c.batch_id)).all()
            )
            for table in (scores, score_details, books, data_reports)
        }
        arr = connection.execute(select(scores.c.batch_id, func.sum(scores.c.arr)).group_by(scores.c.batch_id)).all()
    assert set(rows["scores"].values()) == {400}
    assert rows["score_details"] == rows["scores"]
    assert rows["books"] == rows["data_reports"] == dict.fromkeys(rows["scores"], 1)
    assert {total for _, total in arr} == {400.0}
    with store.reading() as connection:
        assert set(connection.scalars(select(batches.c.batch_id))) == rows["scores"].keys()
