"""The what-if form of an account's page: the signals that can be asked about, and the answer to what was asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from pydantic import ValidationError

from features.catalogue import CATALOGUE
from features.errors import HealthscoreError
from serving.errors import BadParameter, CannotAnswer
from serving.loaded_models import LoadedModels
from serving.read_models import AccountDetail, SignalShown
from serving.stored_rows import StoredScore
from serving.what_if import SignalChanges, WhatIfAsked, WhatIfShown, what_if

OFFERED = 6


@dataclass(frozen=True)
class Field:
    """A signal one can ask about; shares are written in per cent. `wrong` says what is wrong with what was asked.

    `low` to `high` is what the model has seen; `step` is 1 where values are whole, else any.
    """

    name: str
    meaning: str
    unit: str
    now: str
    asked: str
    low: str
    high: str
    step: str
    wrong: str = ""


@dataclass(frozen=True)
class WhatIfForm:
    """The fields, and the answer or what was wrong, where something was asked; no fields where no model answers."""

    fields: list[Field]
    answer: WhatIfShown | None = None
    wrong: str = ""


def what_if_form(
    models: LoadedModels, account: AccountDetail, stored: StoredScore, asked: Mapping[str, str]
) -> WhatIfForm:
    """The form of an account, answered where `asked` (signal to text) differs from what is stored.

    Raises BadParameter for what is no signal.
    """
    shown = {signal.name: signal for signal in account.signals if _can_be_asked(signal)}
    if unknown := asked.keys() - shown.keys():
        raise BadParameter(min(unknown), f"{min(unknown)} can't be asked about for this account")
    try:
        seen = models.version(stored.model_name, stored.model_version).card.seen
    except HealthscoreError as error:
        return WhatIfForm([], None, str(error))
    costly = sorted((shown[name] for name in shown if name in seen), key=lambda signal: signal.points)[:OFFERED]
    offered = {signal.name: signal for signal in [*costly, *(shown[name] for name in asked)]}
    texts = {name: asked.get(name, "").strip() or _text(signal) for name, signal in offered.items()}
    changed = {name: text for name, text in texts.items() if text != _text(offered[name])}
    problems: dict[str, str] = {}
    answer, wrong = None, ""
    if changed:
        try:
            values = {name: _value(text, offered[name].unit) for name, text in changed.items()}
            given = WhatIfAsked(signals=SignalChanges.model_validate(values))
            answer = what_if(models, account.account_id, stored, given)
        except ValidationError as error:
            problems = {str(one["loc"][0]): one["msg"] for one in error.errors()}
        except CannotAnswer as error:
            problems = {name.removeprefix("signals."): said for name, said in error.problems.items()}
            wrong = "" if problems else str(error)
        except HealthscoreError as error:
            wrong = str(error)
    fields = [
        _field(signal, texts[name], seen.get(name, (0.0, 0.0)), problems.get(name, ""))
        for name, signal in offered.items()
    ]
    return WhatIfForm(fields, answer, wrong)


def _field(signal: SignalShown, text: str, seen: tuple[float, float], wrong: str) -> Field:
    """The slider of a signal: from the lowest to the highest value that can be asked, and is on it as it is."""
    value = float(signal.value or 0.0)
    declared = CATALOGUE[signal.name]
    low = max(seen[0], -inf if declared.lower is None else declared.lower)
    high = min(seen[1], inf if declared.upper is None else declared.upper)
    whole = signal.unit not in ("share", "ratio") and value.is_integer() and low.is_integer() and high.is_integer()
    return Field(
        name=signal.name, meaning=signal.meaning or signal.name, unit=signal.unit or "", now=_text(signal), asked=text,
        low=_written(low, signal.unit), high=_written(high, signal.unit), step="1" if whole else "any", wrong=wrong,
    )  # fmt: skip


def _can_be_asked(signal: SignalShown) -> bool:
    known = CATALOGUE.get(signal.name)
    return known is not None and known.in_model and isinstance(signal.value, float)


def _text(signal: SignalShown) -> str:
    """The stored value as the form writes it."""
    return _written(float(signal.value or 0.0), signal.unit)


def _written(value: float, unit: str | None) -> str:
    """A value as the form writes it: shares in per cent."""
    value = 100 * value if unit == "share" else value
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _value(text: str, unit: str | None) -> float | str:
    """What was written, as the model takes it; a text where it is no number, which is refused with words."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return text
    return value / 100 if unit == "share" else value
