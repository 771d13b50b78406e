"""The proof of a model as its page draws it: a receipt at one horizon."""

from dataclasses import dataclass
from functools import lru_cache

from pydantic import ValidationError

from serving.errors import CannotAnswer
from serving.loaded_models import LoadedModels
from serving.model_shown import ModelShown
from serving.pages.proof_charts import Bar, Forest, Plot, bars, forest, lead_time, lift, reliability
from serving.receipt_shown import MODEL, BandRate, Entry, ReceiptShown, Tenth
from serving.versions_shown import VersionsShown


@dataclass(frozen=True)
class BandRow:
    """A band with the share of its snapshots that left."""

    rate: BandRate
    bar: Bar


@dataclass(frozen=True)
class Proof:
    """A receipt at one horizon, as it is drawn. `of` is the version it is the receipt of."""

    of: str
    receipt: ReceiptShown
    entry: Entry | None
    in_accounts: Plot | None
    in_arr: Plot | None
    tenths: list[Tenth]
    lift: Plot | None
    lead_time: Plot | None
    bands: list[BandRow]
    forest: Forest
    segments: list[Entry]


def proven_version(models: LoadedModels, model: ModelShown, versions: VersionsShown) -> str | None:
    """The version whose receipt speaks for the champion: its own, or that of the version it was recalibrated from."""
    sources = {each.version: each.recalibrated_from for each in versions.versions}
    version, source = model.version, model.recalibrated_from
    seen: set[str] = set()
    while models.receipt(version) is None:
        seen.add(version)
        if source is None or source in seen:
            return None
        version, source = source, sources.get(source)
    return version


@lru_cache(maxsize=64)
def proof_of(models: LoadedModels, version: str, days: int) -> Proof:
    """The receipt of a proven version, kept: it never changes. Raises CannotAnswer where this program can't read it."""
    receipt = _receipt(models, version)
    entries = [entry for entry in receipt.entries if entry.days == days]
    tenths = [tenth for tenth in receipt.calibration if tenth.days == days]
    rates = [rate for rate in receipt.bands if rate.rows]
    return Proof(
        of=version,
        receipt=receipt,
        entry=receipt.entry(days),
        in_accounts=reliability(tenths, arr=False),
        in_arr=reliability(tenths, arr=True),
        tenths=tenths,
        lift=lift([point for point in receipt.caught if point.days == days]),
        lead_time=lead_time(receipt.warned, receipt.green),
        bands=[BandRow(rate, bar) for rate, bar in zip(rates, bars([r.churn_rate for r in rates]), strict=True)],
        forest=forest(
            [entry for entry in entries if entry.segment is None], [c for c in receipt.comparisons if c.days == days]
        ),
        segments=[entry for entry in entries if entry.segment is not None and entry.predictor == MODEL],
    )


@lru_cache(maxsize=16)
def _receipt(models: LoadedModels, version: str) -> ReceiptShown:
    try:
        return ReceiptShown.model_validate(models.receipt(version))
    except ValidationError as error:
        raise CannotAnswer(
            f"the receipt of version {version} was written by a healthscore that this one can't read"
        ) from error
