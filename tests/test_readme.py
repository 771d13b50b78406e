"""What the pages promise exists: commands, targets, links, settings."""

import re
from pathlib import Path

import pytest
import typer

from serving.main import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *(ROOT / name / "README.md" for name in ("features", "training", "serving", "mlruns"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_healthscore_command_named_exists(page: Path) -> None:
    verbs = set(typer.main.get_command(app).commands)
    named = set(re.findall(r"(?:^|[`/ ])healthscore ([a-z]+)\b(?= |`|$)", "\n".join(_code(page)), re.MULTILINE))
    assert named <= verbs, named - verbs


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)", "\n".join(_code(ROOT / "README.md"))))
    assert {"demo", "test"} <= named <= targets


def test_ci_runs_the_command_the_readme_gives_for_tests() -> None:
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert "make test" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "serving" / "deploy" / "README.md"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", page.read_text()):
        path, anchor = (page.parent / target[0] if target[0] else page), target[1][1:]
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def _code(page: Path) -> list[str]:
    text = page.read_text()
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
