import pytest

from features.book import Targets, read_targets
from features.errors import SettingsError

GROWING = """account_id contract_id kind term_start term_end arr
             Thrive  t1 subscription 2024-01-01 2025-12-15 100
             Thrive  t1 subscription 2025-12-15 -          150
             Fade    f1 subscription 2024-01-01 2025-11-10 100"""


@pytest.mark.parametrize(
    "measure, target, status",
    [
        ("nrr", 0.7, "met"),
        ("nrr", 0.75, "met"),
        ("nrr", 0.8, "missed"),
        ("logo_churn", 0.6, "met"),
        ("logo_churn", 0.5, "met"),
        ("logo_churn", 0.4, "missed"),
        ("onboarded", 0.9, None),
    ],
)
def test_status_knows_what_is_better(line, measure, target, status):
    row = line(measure, contracts=GROWING, targets=Targets({measure: target}))
    assert (row["target"], row["status"]) == (target, status)


def test_no_target(line):
    row = line("nrr", contracts=GROWING)
    assert (row["target"], row["status"]) == (None, "no target")


@pytest.mark.parametrize(
    "measure, previous, value, trend",
    [
        ("nrr", 1.0, 0.75, "worse"),
        ("expansion", 0.0, 0.25, "better"),
        ("logo_churn", 0.0, 0.5, "worse"),
        ("contraction", 0.0, 0.0, "same"),
        ("onboarded", None, None, None),
    ],
)
def test_trend_is_against_28_days_earlier(line, measure, previous, value, trend):
    row = line(measure, contracts=GROWING)
    assert (row["previous"], row["value"], row["trend"]) == (previous, value, trend)


def test_read(tmp_path):
    file = tmp_path / "targets.toml"
    file.write_text("[targets]\nnrr = 1.05\nlogo_churn = 0\n")
    assert read_targets(file) == Targets({"nrr": 1.05, "logo_churn": 0})


def test_no_section_is_no_targets(tmp_path):
    file = tmp_path / "targets.toml"
    file.write_text("port = 1\n")
    assert read_targets(file) == Targets()


@pytest.mark.parametrize(
    "text, message",
    [
        ("[targets]\nnr = 1\n", "target for 'nr', which is no measure of the book: did you mean nrr?"),
        ("[targets]\nmoon = 1\n", "target for 'moon', which is no measure of the book: known are customers, "),
        ("[targets]\nthread_density = 1\n", "thread_density can't have a target: neither more nor less"),
        ("[targets]\nnrr = '1'\n", "target of nrr is '1': give a number in its unit, share"),
        ("[targets]\nnrr = true\n", "target of nrr is True"),
        ("[targets]\nnrr = nan\n", "target of nrr is nan"),
        ("targets = 1\n", r"targets is 1: make it a section \[targets\]"),
        ("[targets\n", "can't be read"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(tmp_path, text, message):
    file = tmp_path / "targets.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=f"targets.toml.*{message}"):
        read_targets(file)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match="can't be read"):
        read_targets(tmp_path / "none.toml")
