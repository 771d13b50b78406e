"""Settings: where each comes from, and what is said when one is wrong."""

from pathlib import Path

import pytest

from features.errors import SettingsError
from features.settings import Settings, load_settings, without_password


def origin(name: str, *sources: object) -> tuple[object, str]:
    _, origins = load_settings(*sources)
    return next((found.value, found.came_from) for found in origins if found.name == name)


def test_flags_come_before_variables_before_the_file_before_defaults(tmp_path: Path) -> None:
    file = tmp_path / "healthscore.toml"
    assert origin("grace_days", {}, {}, file) == (30, "default")
    file.write_text("grace_days = 40\n")
    assert origin("grace_days", {}, {}, file) == (40, f"{file}: grace_days")
    variables = {"HEALTHSCORE_GRACE_DAYS": "50"}
    assert origin("grace_days", {}, variables, file) == (50, "HEALTHSCORE_GRACE_DAYS")
    assert origin("grace_days", {"grace_days": 60}, variables, file) == (60, "--grace-days")
    assert origin("grace_days", {"grace_days": None}, variables, file) == (50, "HEALTHSCORE_GRACE_DAYS")


def test_mlflows_own_variable_counts_where_ours_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "none.toml"
    mlflows = {"MLFLOW_TRACKING_URI": "http://mlflow.test"}
    assert origin("tracking_uri", {}, mlflows, file) == ("http://mlflow.test", "MLFLOW_TRACKING_URI")
    both = mlflows | {"HEALTHSCORE_TRACKING_URI": "sqlite:///ours.db"}
    assert origin("tracking_uri", {}, both, file) == ("sqlite:///ours.db", "HEALTHSCORE_TRACKING_URI")


def test_state_is_in_mlruns_unless_said_otherwise() -> None:
    assert Settings().tracking == "sqlite:///mlruns/mlflow.db"
    assert Settings().score_store == "sqlite:///mlruns/scores.db"
    assert Settings(state=Path("elsewhere")).tracking == "sqlite:///elsewhere/mlflow.db"
    assert Settings(store="postgresql://db/scores").score_store == "postgresql://db/scores"


@pytest.mark.parametrize(
    "flags, variables, file, says",
    [
        ({}, {"HEALTHSCORE_GRACE_DAY": "5"}, "", "HEALTHSCORE_GRACE_DAY sets 'grace_day', .* did you mean grace_days"),
        ({}, {"HEALTHSCORE_GRACE_DAYS": "soon"}, "", "HEALTHSCORE_GRACE_DAYS is 'soon': .*integer"),
        ({"port": 70000}, {}, "", "--port is 70000: .*65535"),
        ({}, {}, "max_bad_share = 2", "max_bad_share is 2: .*less than or equal to 1"),
        ({}, {}, "tint = 1", "'tint', which is no setting: known are"),
        ({}, {}, "grace_days = ", "can't be read"),
    ],
)
def test_a_wrong_setting_is_named_with_its_origin(
    flags: dict[str, object], variables: dict[str, str], file: str, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "healthscore.toml"
    path.write_text(file)
    with pytest.raises(SettingsError, match=says):
        load_settings(flags, variables, path)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    "address, shown",
    [
        ("postgresql://ada:s3cret@host/scores", "postgresql://ada:***@host/scores"),
        ("https://ada:s3cret@ml.example/", "https://ada:***@ml.example/"),
        ("postgresql://ada:s3#cr/e?t:@host:5432/scores", "postgresql://ada:***@host:5432/scores"),
        ("postgresql://:s3cret@host/scores", "postgresql://:***@host/scores"),
        ("https://ml.example:8443/flow", "https://ml.example:8443/flow"),
        ("postgresql://ada@host/scores", "postgresql://ada@host/scores"),
        ("sqlite:///scores.db", "sqlite:///scores.db"),
        ("exports/[2026]", "exports/[2026]"),
        ("x://[y", "x://[y"),
    ],
)
def test_no_password_is_shown(address: str, shown: str) -> None:
    assert without_password(address) == shown
