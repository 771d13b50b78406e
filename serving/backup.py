"""Backup and restore of local state: the score store, the tracking database, the artefacts; one file, moved anywhere.

Databases are copied by SQLite's own online backup, so a writer may go on writing: each copy is of one moment. The store
is copied before the registry, so no score is of a model that isn't there, and the tracking database before the
artefacts, so nothing it names is missing from them. What lies on PostgreSQL isn't local: `pg_dump` copies it.

MLflow stores where artefacts are as whole addresses; a restore into another folder rewrites them.
"""

import json
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any

from serving.errors import BadBackup

STORE, TRACKING, ARTIFACTS, MANIFEST = "scores.db", "mlflow.db", "artifacts", "backup.json"
_BUSY_S = 30.0
_PAGES = 1_000  # copied at a time, between which others may write


@dataclass(frozen=True)
class Kept:
    """What a backup holds: the names of its parts, and its size in bytes."""

    parts: tuple[str, ...]
    size: int


def backup(state: Path, file: Path, *, now: datetime) -> Kept:
    """Write what of `STORE`, `TRACKING` and `ARTIFACTS` the folder `state` holds to one file that only its owner reads.

    The file is there whole or not at all. Raises BadBackup where there is nothing to copy.
    """
    file.absolute().parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=file.absolute().parent, prefix=f".{file.name}.") as folder:
        gathered = Path(folder)
        for name in (STORE, TRACKING):
            if (state / name).exists():
                _copy(state / name, gathered / name)
        if (state / ARTIFACTS).exists():
            copytree(state / ARTIFACTS, gathered / ARTIFACTS)
        parts = tuple(sorted(part.name for part in gathered.iterdir()))
        if not parts:
            raise BadBackup(f"{state} holds no {STORE}, {TRACKING} or {ARTIFACTS}: give --state the folder that does")
        told = {
            "made_at": f"{now.isoformat()}Z",
            "healthscore": version("healthscore"),
            "artifacts": (state / ARTIFACTS).resolve().as_uri(),
            "digests": {str(path.relative_to(gathered)): _digest(path) for path in _files(gathered)},
        }
        (gathered / MANIFEST).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        made = gathered / "made.tar"
        with tarfile.open(made, "x") as tar:
            for name in (MANIFEST, *parts):
                tar.add(gathered / name, name)
        made.chmod(0o600)
        made.replace(file)
    return Kept(parts, file.stat().st_size)


def restore(file: Path, state: Path) -> Kept:
    """Put what a backup holds into the folder `state`, where nothing of it may be yet.

    Raises BadBackup where the file is no backup, is damaged, or would overwrite something.
    """
    state.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=state, prefix=".restore.") as folder:
        gathered = Path(folder)
        told = _unpacked(file, gathered)
        parts = tuple(sorted(part.name for part in gathered.iterdir() if part.name != MANIFEST))
        if there := [name for name in parts if (state / name).exists()]:
            raise BadBackup(
                f"{state} holds {' and '.join(there)} already: restore into another folder, or move it away"
            )
        if TRACKING in parts:
            _moved(gathered / TRACKING, told["artifacts"], (state / ARTIFACTS).resolve().as_uri())
        for name in sorted(parts, key=(ARTIFACTS, TRACKING, STORE).index):  # so that nothing names what isn't there
            (gathered / name).rename(state / name)
    return Kept(parts, file.stat().st_size)


def _copy(database: Path, to: Path) -> None:
    with closing(sqlite3.connect(database, timeout=_BUSY_S)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target, pages=_PAGES)
        (found,) = target.execute("PRAGMA integrity_check").fetchone()
    if found != "ok":
        raise BadBackup(f"{database} is damaged: {found}")


def _unpacked(file: Path, folder: Path) -> dict[str, Any]:
    """The manifest of a backup, whose parts are in `folder` afterwards, each as it was when it was made."""
    try:
        with tarfile.open(file) as tar:
            tar.extractall(folder, filter="data")
        told: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        digests = told["digests"]
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError) as error:
        raise BadBackup(f"{file} is no backup of healthscore's: {error}") from error
    found = {str(path.relative_to(folder)): _digest(path) for path in _files(folder) if path.name != MANIFEST}
    if found != digests:
        wrong = sorted(name for name in found.keys() | digests.keys() if found.get(name) != digests.get(name))
        raise BadBackup(f"{file} is damaged: {wrong[0]} isn't what was put into it")
    return told


def _moved(database: Path, old: str, new: str) -> None:
    """Let every address in the tracking database that lies below `old` lie below `new`."""
    with closing(sqlite3.connect(database)) as connection, connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for _, column, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
                if kind.upper().startswith(("VARCHAR", "TEXT", "CHAR")):
                    connection.execute(
                        f'UPDATE "{table}" SET "{column}" = ? || substr("{column}", ?) '  # noqa: S608
                        f'WHERE "{column}" = ? OR substr("{column}", 1, ?) = ?',
                        (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
                    )


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
