"""The files to deploy with: they parse, and what they name exists."""

import ast
import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from features.errors import HealthscoreError
from features.settings import Settings, load_settings
from serving.main import app

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "serving" / "deploy"
README = (FOLDER / "README.md").read_text()
CONTAINERFILE = (FOLDER / "Containerfile").read_text()
UNITS = sorted(path.name for path in FOLDER.iterdir() if path.suffix in {".service", ".timer"})
VERBS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def known(words: list[str]) -> bool:
    """Whether the words behind `healthscore` are a verb with options it has."""
    if words[0] not in VERBS:
        return False
    command = VERBS[words[0]]
    for word in words[1:]:
        command = getattr(command, "commands", {}).get(word, command)
    options = {name for option in command.params for name in option.opts}
    return {word for word in words if word.startswith("--")} <= options


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    return loaded


def unit(name: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(FOLDER / name)
    return read


def test_every_command_named_exists() -> None:
    named = re.findall(r"(?:^|[`/])healthscore ((?:[a-z]+)(?: [\w./=-]+)*)", README, re.MULTILINE)
    assert {words.split()[0] for words in named} >= {"run", "backup", "restore"}
    for words in named:
        assert known(words.split()), words
    for script in re.findall(r'healthscore", "(\w+)"', README):
        assert known([script])
    for words in re.findall(r"compose\.yaml run --rm \w+ (.*)$", README, re.MULTILINE):
        assert known(shlex.split(words))


def test_every_file_named_is_there_and_every_file_is_named() -> None:
    named = set(re.findall(r"\]\(([^)#:]+)\)", README))
    assert named == {path.name for path in FOLDER.iterdir()} - {"README.md", "Containerfile.dockerignore"}


def test_every_variable_is_a_setting() -> None:
    text = README + CONTAINERFILE + "".join((FOLDER / name).read_text() for name in ("compose.yaml", "kubernetes.yaml"))
    variables = set(re.findall(r"HEALTHSCORE_([A-Z_]+)", text)) - {"DB_PASSWORD", "EXPORTS", ""}
    assert {name.lower() for name in variables} <= set(Settings.model_fields)


def test_the_exit_codes_are_those_of_the_errors() -> None:
    def codes(kind: type[HealthscoreError]) -> set[int]:
        return {kind.exit_code}.union(*(codes(child) for child in kind.__subclasses__()))

    documented = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", README, re.MULTILINE) for code in row.split(",")}
    assert codes(HealthscoreError) <= documented | {7}  # 7: of promote, which no schedule runs


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_the_examples_are_python(code: str) -> None:
    ast.parse(code)


def test_the_container_runs_a_real_command_as_nobody_special() -> None:
    lines = re.sub(r"\\\n", " ", CONTAINERFILE).splitlines()
    told = {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in lines if line and not line.startswith(("#", " "))}
    assert ast.literal_eval(told["ENTRYPOINT"]) == ["healthscore"]
    assert known(ast.literal_eval(told["CMD"]))
    assert told["USER"] not in {"root", "0"}
    assert lines.index(f"USER {told['USER']}") < next(
        n for n, line in enumerate(lines) if line.startswith("ENTRYPOINT")
    )
    for copied in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINERFILE, re.MULTILINE):
        for name in copied.split():
            assert (ROOT / name).exists(), name
            assert f"!{name.strip('/')}" in (FOLDER / "Containerfile.dockerignore").read_text().splitlines()
    assert "--require-hashes" in CONTAINERFILE


def test_compose_is_whole() -> None:
    found = compose()
    services = found["services"]
    assert known(services["serve"]["command"])
    assert known(services["job"]["command"])
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in found["volumes"] or source.startswith("${"), volume
        assert set(service.get("depends_on", {})) <= set(services)
    built = services["serve"]["build"]
    assert (FOLDER / built["context"]).resolve() == ROOT
    assert (ROOT / built["dockerfile"]).samefile(FOLDER / "Containerfile")
    ports = services["serve"]["ports"]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    given = {name: value for name, value in services["serve"]["environment"].items() if name.startswith("HEALTHSCORE_")}
    settings, _ = load_settings({}, {name: re.sub(r"\$\{.*?\}", "pass", value) for name, value in given.items()})
    assert settings.score_store == "postgresql://healthscore:pass@database/healthscore"
    assert settings.tracking == "postgresql+psycopg://healthscore:pass@database/mlflow"


def test_the_cron_job_is_whole() -> None:
    job = yaml.safe_load((FOLDER / "kubernetes.yaml").read_text())
    assert (job["apiVersion"], job["kind"], job["spec"]["concurrencyPolicy"]) == ("batch/v1", "CronJob", "Forbid")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert known(container["args"])
    assert pod["securityContext"]["runAsNonRoot"]
    assert str(pod["securityContext"]["runAsUser"]) in CONTAINERFILE
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("name", UNITS)
def test_the_units_run_real_commands(name: str) -> None:
    read = unit(name)
    if name.endswith(".timer"):
        assert (FOLDER / name).with_suffix(".service").exists()
        return
    program, *words = shlex.split(read["Service"]["ExecStart"])
    assert Path(program).name == "healthscore"
    assert known(words)
    assert read["Service"]["User"] == "healthscore"


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze isn't installed")
    for name in UNITS:
        text = (FOLDER / name).read_text()
        (tmp_path / name).write_text(text.replace("/opt/healthscore/bin/healthscore", shutil.which("true") or ""))
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if str(tmp_path) in line or "healthscore" in line], (
        done.stderr
    )
