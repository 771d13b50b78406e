"""Plays: what to do about a reason, from a small file that people edit."""

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.catalogue import CATALOGUE
from features.signal import DIMENSIONS, Dimension
from serving.errors import BadPlays
from serving.read_models import PlayShown, Reason

_UNKNOWN: Mapping[str, str] = {}
SHIPPED = Path(__file__).parent / "plays.toml"


class Play(BaseModel):
    """One play, and the signals and dimensions it answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    name: str = Field(min_length=1)
    what: str = Field(min_length=1)
    signals: tuple[str, ...] = ()
    dimensions: tuple[Dimension, ...] = ()


class Plays:
    """All plays, in the order of the file."""

    def __init__(self, plays: Sequence[Play] = ()) -> None:
        self.all = tuple(plays)

    def against(self, reasons: Sequence[Reason], effects: Mapping[str, str] = _UNKNOWN) -> list[PlayShown]:
        """The play for each reason, each play once, the first reason's first, with its effect where one is known."""
        found: dict[str, PlayShown] = {}
        for reason in reasons:
            play = self._play(reason)
            if play is not None and play.id not in found:
                found[play.id] = PlayShown(
                    id=play.id, name=play.name, what=play.what, because=reason.signal,
                    effect=effects.get(play.id, "unknown"),
                )  # fmt: skip
        return list(found.values())

    def _play(self, reason: Reason) -> Play | None:
        named = (play for play in self.all if reason.signal in play.signals)
        general = (play for play in self.all if reason.dimension in play.dimensions)
        return next(named, None) or next(general, None)


NO_PLAYS = Plays()


def read_plays(file: Path = SHIPPED) -> Plays:
    """The plays of a TOML file; BadPlays says which line of thought is wrong and what to do."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadPlays(f"{file} can't be read: {error}") from error
    written = content.pop("play", [])
    if content or not isinstance(written, list):
        raise BadPlays(f"{file}: give plays as sections [[play]] and nothing else")
    plays: list[Play] = []
    for number, section in enumerate(written, 1):
        play = _play(section, f"{file}: play {number}")
        if play.id in {other.id for other in plays}:
            raise BadPlays(f"{file}: play {number} has the id {play.id!r}, which another play has")
        plays.append(play)
    return Plays(plays)


def _play(section: object, where: str) -> Play:
    try:
        play = Play.model_validate(section)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadPlays(f"{where}, {'.'.join(map(str, first['loc'])) or 'section'}: {first['msg'].lower()}") from error
    for signal in play.signals:
        if signal not in CATALOGUE:
            near = get_close_matches(signal, CATALOGUE, 1)
            hint = f"did you mean {near[0]}?" if near else "`healthscore signals list` names them"
            raise BadPlays(f"{where} answers {signal!r}, which is no signal: {hint}")
    if not (play.signals or play.dimensions):
        raise BadPlays(f"{where} answers nothing: give signals, or dimensions of {', '.join(DIMENSIONS)}")
    return play
