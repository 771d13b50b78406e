"""Who becomes champion, who was before, and what a death in between leaves; on a real registry of empty versions."""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE

from tests.forking import Forking
from training import promotion_cli
from training.champions import CHALLENGER, CHAMPION, HISTORY, Champions, champions_of
from training.errors import FloorsFailed, NoChampionBefore, RegistryUnavailable
from training.floors import Floor, to_json
from training.promotion import floors_of, is_proven, judge, promote, settle
from training.tracking import Registry

AT = datetime(2026, 1, 1, 4)
NAME = "healthscore"


def floor(name: str, outcome: str) -> Floor:
    return Floor(name, None, None, None, "", outcome, f"{name} {outcome}.")  # type: ignore[arg-type]


PROVEN = (floor("no_alarm", "passed"), floor("better_than_chance", "passed"), floor("red_band", "cannot tell"))
UNPROVEN = (floor("no_alarm", "passed"),)
FALLEN = (floor("better_than_chance", "passed"), floor("green_share", "failed"))
ALARMED = (floor("no_alarm", "failed"),)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry without versions, made once: making MLflow's tables takes seconds."""
    path = tmp_path_factory.mktemp("registry") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}", registry_uri=f"sqlite:///{path}").create_registered_model(NAME)
    return path


@pytest.fixture
def registry(empty: Path, tmp_path: Path) -> Registry:
    (tmp_path / "mlflow.db").write_bytes(empty.read_bytes())
    return Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")


def register(registry: Registry, *versions: tuple[Floor, ...]) -> Registry:
    """Versions 1, 2, … with these floors, the last of them challenger."""
    for floors in versions:
        made = registry.client.create_model_version(NAME, "nowhere", tags={"floors": to_json(floors)})
        registry.client.set_registered_model_alias(NAME, CHALLENGER, made.version)
    return registry


def aliases(registry: Registry) -> dict[str, str]:
    return {alias: str(n) for alias, n in registry.client.get_registered_model(NAME).aliases.items()}


@pytest.mark.parametrize(
    "challenger, champion, promoted, says",
    [
        (PROVEN, None, True, "better than chance"),
        (UNPROVEN, None, True, "unproven: the first version"),
        (FALLEN, None, False, "green_share failed."),
        (ALARMED, None, False, "no_alarm failed."),
        (PROVEN, PROVEN, True, "better than chance"),
        (PROVEN, UNPROVEN, True, "better than chance"),
        (UNPROVEN, UNPROVEN, True, "unproven, as the champion is"),
        (UNPROVEN, PROVEN, False, "a person may promote it"),
        (FALLEN, UNPROVEN, False, "green_share failed."),
    ],
)
def test_floors_decide(registry: Registry, challenger, champion, promoted: bool, says: str) -> None:
    if champion is not None:
        register(registry, champion).champions.promote("1", at=AT, by="ada", reason="the first")
    number = str(1 if champion is None else 2)
    verdict = settle(register(registry, challenger), number, at=AT, by="healthscore run")
    assert verdict.promote is promoted
    assert says in verdict.reason
    told = registry.find(number).tags
    assert told["decision"] == ("promoted" if promoted else "kept_challenger")
    assert says in told["decision_reason"]
    if promoted:
        assert aliases(registry) == {CHAMPION: number}
        assert (told["promoted_by"], told["promoted_at"]) == ("healthscore run", "2026-01-01T04:00:00")
        assert told["promotion_reason"] == verdict.reason
    else:
        assert aliases(registry) == ({CHALLENGER: number} | ({CHAMPION: "1"} if champion else {}))
    assert floors_of(registry.find(number)) == challenger


def test_a_champion_from_before_there_were_floors_is_proven_by_its_receipt(registry: Registry) -> None:
    for tags, proven in (({}, True), ({"unproven": "too short"}, False)):
        number = registry.client.create_model_version(NAME, "nowhere", tags=tags).version
        assert is_proven(registry.find(str(number))) is proven
        assert judge(UNPROVEN, registry.find(str(number))).promote is not proven


def test_a_person_needs_force_over_a_failed_floor_and_it_is_recorded(registry: Registry) -> None:
    register(registry, FALLEN)
    with pytest.raises(FloorsFailed, match="green_share failed") as refused:
        promote(registry, "challenger", at=AT, by="ada", reason="we know")
    assert refused.value.exit_code == 7
    assert CHAMPION not in aliases(registry)
    made = promote(registry, "challenger", at=AT, by="ada", reason="we know", force=True)
    assert made.tags["promotion_reason"] == "we know (forced over: green_share)"
    assert made.tags["promoted_by"] == "ada"
    assert aliases(registry) == {CHAMPION: "1"}


def test_rolling_back_finds_its_way_after_several_promotions(registry: Registry) -> None:
    champions = register(registry, PROVEN, PROVEN, PROVEN, PROVEN).champions
    for number in "1234":
        champions.promote(number, at=AT, by="ada", reason="better")
    registry.client.delete_model_version(NAME, "3")
    assert champions.roll_back(at=AT, by="ken", reason="false alarms") == ("4", "2")
    told = registry.find("4").tags
    assert told["decision"] == "rolled_back"
    assert told["decision_reason"] == "false alarms (ken, 2026-01-01 04:00): back to version 2"
    assert champions.history() == ["1", "2"]
    champions.promote("4", at=AT, by="ada", reason="repaired")
    assert champions.history() == ["1", "2", "4"]
    for step in (("4", "2"), ("2", "1")):
        assert champions.roll_back(at=AT, by="ken", reason="") == step
    with pytest.raises(NoChampionBefore, match="name a version to healthscore promote"):
        champions.roll_back(at=AT, by="ken", reason="")
    assert aliases(registry)[CHAMPION] == "1"


def test_a_registry_that_fails_for_a_moment_has_no_champion_skipped(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    champions = register(registry, PROVEN, PROVEN, PROVEN).champions
    for number in "123":
        champions.promote(number, at=AT, by="ada", reason="better")
    asked = MlflowClient.get_model_version

    def away(client: MlflowClient, name: str, version: str) -> object:
        if version == "2":
            raise MlflowException("the database is starting up", TEMPORARILY_UNAVAILABLE)
        return asked(client, name, version)

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "get_model_version", away)
        with pytest.raises(RegistryUnavailable, match="starting up"):
            champions.roll_back(at=AT, by="ken", reason="")
    assert champions.current() == "3"
    assert champions.roll_back(at=AT, by="ken", reason="") == ("3", "2")


def test_a_database_that_is_none_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_text("no database, whatever it says" * 100)
    with pytest.raises(RegistryUnavailable, match=r"doesn't answer: .*file is not a database"):
        champions_of(f"sqlite:///{tmp_path / 'broken.db'}", NAME)


def test_an_alias_moved_by_hand_counts_as_a_champion(registry: Registry) -> None:
    champions = register(registry, PROVEN, PROVEN).champions
    champions.promote("1", at=AT, by="ada", reason="better")
    registry.client.set_registered_model_alias(NAME, CHAMPION, "2")
    assert champions.history() == ["1", "2"]
    assert champions.roll_back(at=AT, by="ken", reason="") == ("2", "1")


def test_no_registry_is_one_clear_error_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(RegistryUnavailable, match="healthscore train"):
        champions_of(f"sqlite:///{tmp_path / 'mlflow.db'}", NAME)
    assert not list(tmp_path.iterdir())


def test_the_commands(registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register(registry, PROVEN, FALLEN)
    promotion_cli.promote("1", reason="the first", author="ada", state=tmp_path)
    with pytest.raises(FloorsFailed):
        promotion_cli.promote("2", reason="we know", author="ada", state=tmp_path)
    promotion_cli.promote("challenger", reason="we know", author="ada", force=True, state=tmp_path)
    told = capsys.readouterr().out
    assert "failed: green_share failed." in told
    assert "healthscore version 2 is champion" in told
    promotion_cli.rollback(reason="it was wrong", author="ken", state=tmp_path)
    assert "healthscore version 1 is champion again, instead of 2" in capsys.readouterr().out
    assert registry.find("2").tags["decision_reason"].startswith("it was wrong (ken, ")


def test_rolling_back_waits_for_nothing_but_mlflows_client() -> None:
    """What MLflow itself imports takes two seconds already; data frames take a third of one."""
    program = (
        "import sys; from serving.main import command_line; command_line('rollback'); import training.champions; "
        "print(*{'lightgbm', 'sklearn', 'matplotlib', 'training.tracking', 'serving.verbs'} & set(sys.modules))"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=os.environ | {"PYTHONPATH": root}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == ""


WRITES = (
    "set_model_version_tag",
    "set_registered_model_tag",
    "set_registered_model_alias",
    "delete_registered_model_alias",
)


def dying(client: type[MlflowClient], step: int, *, after: bool) -> list[str]:
    """Let this process be killed before or after its `step`-th write to the registry; the writes it does."""
    written: list[str] = []

    def deadly(write):
        def wrapped(self, *args, **kwargs):
            written.append(write.__name__)
            if len(written) > step and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            write(self, *args, **kwargs)
            if len(written) > step:
                os.kill(os.getpid(), signal.SIGKILL)

        return wrapped

    for name in WRITES:
        setattr(client, name, deadly(getattr(client, name)))
    return written


@pytest.mark.parametrize("what", ["promotion", "rollback"])
def test_killed_at_any_write_there_is_a_champion_and_the_next_goes_on(
    registry: Registry, what: str, forking: Forking
) -> None:
    champions = register(registry, PROVEN, PROVEN).champions
    champions.promote("1", at=AT, by="ada", reason="the first")
    registry.client.set_registered_model_alias(NAME, CHALLENGER, "2")
    if what == "rollback":
        champions.promote("2", at=AT, by="ada", reason="the second")
    file = Path(registry.uri.removeprefix("sqlite:///"))
    whole, steps = file.read_bytes(), 0
    while True:
        file.write_bytes(whole)
        died = _died(forking, registry, what, str(steps), "after" if steps % 2 else "before")
        assert aliases(registry)[CHAMPION] in {"1", "2"}
        now = aliases(registry)[CHAMPION]
        assert Champions(registry.client, NAME).history()[-1] == now
        if what == "promotion":
            champions.finish()
            if aliases(registry)[CHAMPION] == "1":
                settle(registry, "2", at=AT, by="healthscore run")
            assert aliases(registry) == {CHAMPION: "2"}
            assert champions.history() == ["1", "2"]
            assert registry.find("2").tags["decision"] == "promoted"
        elif now == "2":
            assert champions.roll_back(at=AT, by="ken", reason="again") == ("2", "1")
        if not died:
            break
        steps += 1
    assert steps >= 3


# Promotes version 2, or rolls it back, and is killed at a write.
DYING = """
import sys
from pathlib import Path
from mlflow import MlflowClient
from tests.training.test_promotion import AT, dying
from training.promotion import settle
from training.tracking import Registry

uri, artifacts, what, step, when = sys.argv[1:]
registry = Registry(uri, Path(artifacts))
dying(MlflowClient, int(step), after=when == "after")
if what == "promotion":
    settle(registry, "2", at=AT, by="healthscore run")
else:
    registry.champions.roll_back(at=AT, by="ken", reason="")
"""


def _died(forking: Forking, registry: Registry, *words: str) -> bool:
    """Whether a process that does so was killed."""
    done = forking.run(DYING, registry.uri, str(registry.artifacts), *words)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


def test_the_history_is_a_tag_people_can_read(registry: Registry) -> None:
    register(registry, PROVEN).champions.promote("1", at=AT, by="ada", reason="the first")
    assert registry.client.get_registered_model(NAME).tags[HISTORY] == "1"
    assert json.loads(registry.find("1").tags["floors"])[0]["name"] == "no_alarm"
