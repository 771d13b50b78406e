"""The what-if form of an account's page: the signals that can be asked about, and the answer to what was asked."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    """A signal one can ask about; shares are written in per cent. `wrong` says what is wrong with what was asked."""

    name: str
    meaning: str
    unit: str
    now: str
    asked: str
    wrong: str = ""


@dataclass(frozen=True)
class WhatIfForm:
    """The fields, and the answer or what was wrong, where something was asked."""

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
    costly = sorted(shown.values(), key=lambda signal: signal.points)[:OFFERED]
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
        Field(name, signal.meaning or name, signal.unit or "", _text(signal), texts[name], problems.get(name, ""))
        for name, signal in offered.items()
    ]
    return WhatIfForm(fields, answer, wrong)


def _can_be_asked(signal: SignalShown) -> bool:
    known = CATALOGUE.get(signal.name)
    return known is not None and known.in_model and isinstance(signal.value, float)


def _text(signal: SignalShown) -> str:
    """The stored value as the form writes it: shares in per cent."""
    value = float(signal.value or 0.0)
    value = 100 * value if signal.unit == "share" else value
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _value(text: str, unit: str | None) -> float | str:
    """What was written, as the model takes it; a text where it is no number, which is refused with words."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return text
    return value / 100 if unit == "share" else value
