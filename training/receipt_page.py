"""The receipt as one HTML file that can be sent: no scripts, nothing from elsewhere, everything escaped."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

from training.backtest import MODEL
from training.document import (
    NOT_TOLD,
    Cell,
    Raw,
    cells_of,
    document,
    figure,
    figure_of,
    interval,
    intervals_are,
    number,
    rate_of,
    share_of,
    table,
    table_of,
)
from training.intervals import Estimate
from training.receipt import Comparison, Driver, Entry, GreenChurner, Receipt
from training.verdict import PERCENT, TOLD_AT

BETTER = {"model": "the model", "anchor": "the anchor", "neither": "can't be told"}


def page(receipt: Receipt, drawn: Mapping[str, str], title: str = "Customer health score") -> str:
    """The whole document; `drawn` are its plots (`training.plots`), `title` names the model and its version."""
    sections = [
        _head(receipt, title),
        _foretold(receipt, drawn),
        _early(receipt, drawn),
        _against(receipt, drawn),
        _parts(receipt),
    ]
    sections += [_missed(receipt), _made(receipt)]
    return document(f"{title}: receipt", sections)


def _head(receipt: Receipt, title: str) -> str:
    first, *rest = receipt.verdict or ("Nothing can be said yet.",)
    sentences = "".join(f"<p>{escape(sentence)}</p>\n" for sentence in rest)
    moments = "one past moment" if len(receipt.folds) == 1 else f"{len(receipt.folds)} past moments"
    return (
        f"<h1>{escape(title)}: does it predict?</h1>\n"
        f'<p class="soft">At {moments}, from {receipt.folds[0].as_of:%Y-%m-%d} on, a model was trained on what was '
        "known then, and what it went on to say is held here against what happened until "
        f"{receipt.observed_until:%Y-%m-%d}.</p>\n"
        f'<div class="verdict">\n<p class="headline">{escape(first)}</p>\n{sentences}</div>\n{_tiles(receipt)}'
    )


def _tiles(receipt: Receipt) -> str:
    """The four figures a leader asks for first."""
    entry, early = receipt.entry(TOLD_AT), receipt.warned_at(150)
    told = [("of leavers no longer green 150 to 180 days before", rate_of(early.not_green, 0))] if early else []
    if entry:
        ratio, arr_ratio = entry.figures["expected_to_actual"], entry.figures["expected_to_actual_arr"]
        told += [
            (f"of ARR lost within {TOLD_AT} days was in the top tenth", rate_of(entry.figures["arr_caught"], 0)),
            (f"expected for each that left within {TOLD_AT} days", figure_of(ratio, 2)),
            (f"expected for each unit of ARR lost within {TOLD_AT} days", figure_of(arr_ratio, 2)),
        ]
    tiles = "".join(f'<div class="tile"><b>{cell.html}</b>{escape(what)}</div>\n' for what, cell in told)
    return f'<div class="tiles">\n{tiles}</div>\n'


def _foretold(receipt: Receipt, drawn: Mapping[str, str]) -> str:
    told = [(days, entry) for days in receipt.horizons if (entry := receipt.entry(days))]
    counts: list[Sequence[Cell]] = [
        ("snapshots whose outcome is known", *(f"{entry.rows:,}" for _, entry in told)),
        ("accounts they are of", *(f"{entry.accounts:,}" for _, entry in told)),
        ("accounts that left", *(f"{entry.churns:,}" for _, entry in told)),
    ]
    rows = [(label, *(show(entry.figures[name]) for _, entry in told)) for name, label, show in SHOWN]
    return (
        "<h2>How well it foretold who would leave</h2>\n"
        f"{table(['', *(f'within {days} days' for days, _ in told)], [*counts, *rows])}"
        f'<p class="soft">{intervals_are()}</p>\n'
        f"{figure('Were the risks true? Each point is a tenth of the book', drawn['calibration'])}"
    )


def _early(receipt: Receipt, drawn: Mapping[str, str]) -> str:
    rows: list[Sequence[Cell]] = [
        (band.band.replace("_", " "), f"{band.rows:,}", rate_of(band.churn_rate, 1)) for band in receipt.bands
    ]
    rows.append(("whole book", f"{sum(band.rows for band in receipt.bands):,}", rate_of(receipt.base_rate, 1)))
    shown, settled = (
        f"{share_of(flips, 1)}{interval(flips, 1, 100, PERCENT, before=', ')}"
        for flips in (receipt.flips, receipt.settled_flips)
    )
    return (
        "<h2>How early it warned, and what the bands were worth</h2>\n"
        "<p>Green is the band healthy. Of each account that left, its snapshots are looked up by how long before "
        f"leaving they were taken. A band that turns and turns back is noise: {shown} of account-months. "
        f"People are told of settled bands, a score on the edge having to stay or to go further: {settled}.</p>\n"
        '<div class="pair">\n'
        f"{figure('No longer green, by days before leaving', drawn['warning'])}"
        f"{figure(f'Caught among the highest risks, {TOLD_AT} days', drawn['caught'])}"
        "</div>\n"
        '<div class="pair">\n'
        f"{figure('Left within 90 days, by band', drawn['bands'])}"
        f"<div>{table(['band', 'snapshots', 'left within 90 days'], rows)}</div>\n</div>\n"
    )


def _against(receipt: Receipt, drawn: Mapping[str, str]) -> str:
    if not receipt.comparisons:
        return ""
    return (
        "<h2>Against simpler ways to tell</h2>\n"
        "<p>Each anchor was given the same accounts and what was known at the same moments. The published formulas "
        "give no probability; a logistic regression on the score turns them into one here, which is more than they "
        "come with. A difference counts where its interval, told on the same draws of accounts, leaves out 0.</p>\n"
        f"{figure('Right of 0 the model is better', drawn['against_anchors'])}"
        + "".join(_horizon(receipt, days) for days in receipt.horizons)
    )


def _horizon(receipt: Receipt, days: int) -> str:
    heads = ["", "log-loss", "above the model's", "better", "AUC", "PR AUC", "Brier"]
    heads += ["expected ÷ actual", "in ARR", "lift", "ARR caught"]
    compared = {comparison.anchor: comparison for comparison in receipt.comparisons if comparison.days == days}
    rows = []
    for predictor in receipt.predictors:
        if entry := receipt.entry(days, predictor):
            found = entry.figures
            rows.append(
                [
                    predictor,
                    figure_of(found["log_loss"], 4),
                    *_difference(compared.get(predictor), entry),
                    figure_of(found["auc"], 3),
                    figure_of(found["pr_auc"], 3),
                    figure_of(found["brier"], 4),
                    figure_of(found["expected_to_actual"], 2),
                    figure_of(found["expected_to_actual_arr"], 2),
                    figure_of(found["lift"], 1),
                    rate_of(found["arr_caught"], 0),
                ]
            )
    return f"<h3>Within {days} days</h3>\n{table(heads, rows, marked=MODEL)}"


def _difference(found: Comparison | None, entry: Entry) -> tuple[Cell, Cell]:
    if found is None:
        return "", ""
    rows = "" if entry.rows == found.rows else f" on {found.rows:,} snapshots"
    return figure_of(found.difference, 4), f"{BETTER[found.better]}{rows}"


def _parts(receipt: Receipt) -> str:
    if not receipt.segments:
        return ""
    heads = ["segment", "within", "snapshots", "accounts", "left", "AUC", "log-loss", "of the average"]
    heads += ["expected ÷ actual", "in ARR", "ARR caught"]
    names = ("auc", "log_loss", "base_log_loss", "expected_to_actual", "expected_to_actual_arr")
    rows: list[Sequence[Cell]] = []
    for segment in receipt.segments:
        for days in receipt.horizons:
            if entry := receipt.entry(days, segment=segment):
                numbers = [figure_of(entry.figures[name], 2 if "actual" in name else 3) for name in names]
                counts = (f"{entry.rows:,}", f"{entry.accounts:,}", f"{entry.churns:,}")
                rows.append((segment, f"{days} days", *counts, *numbers, rate_of(entry.figures["arr_caught"], 0)))
    return f"<h2>By segment</h2>\n{table(heads, rows)}"


def _missed(receipt: Receipt) -> str:
    missed = receipt.missed
    if not missed.churns:
        return ""
    lost = f" and {number(100 * missed.green_arr / missed.arr, 0)}{PERCENT} of their ARR" if missed.arr > 0 else ""
    named = f" The {len(missed.named)} largest:" if len(missed.named) < missed.green else ""
    heads = ["account", "segment", "ARR", "seen on", "left on", "days before", "health", "risk in 90 days"]
    lines = [_green(churner) for churner in missed.named]
    return (
        "<h2>Who left while green</h2>\n"
        f"<p>{missed.green:,} of {missed.churns:,} accounts{lost} were green at their last snapshot 60 to 180 days "
        "before they left. Points raise health (+) or lower it (−); what is not measured could not be seen. "
        f"{named}</p>\n" + (table_of(heads, lines) if lines else "")
    )


def _green(churner: GreenChurner) -> str:
    """Two lines of the table: the account, and under it what the model saw."""
    cells: tuple[Cell, ...] = (
        Raw(f"{escape(churner.name or churner.account_id)} <small>{escape(churner.account_id)}</small>"),
        churner.segment or NOT_TOLD,
        f"{churner.arr:,.0f}",
        f"{churner.as_of:%Y-%m-%d}",
        f"{churner.churned_at:%Y-%m-%d}",
        str((churner.churned_at - churner.as_of).days),
        number(churner.health, 0),
        share_of(Estimate(churner.risk_90d), 1),
    )
    drivers = " · ".join(_driver(driver) for driver in churner.drivers)
    return (
        f'<tr class="first">{cells_of(cells)}</tr>\n<tr><td class="wrap" colspan="{len(cells)}">{drivers}</td></tr>\n'
    )


def _driver(driver: Driver) -> str:
    sign = "+" if driver.points >= 0 else "−"
    return f"<b>{sign}{abs(driver.points):.1f}</b> {escape(driver.meaning)}: {_value(driver.value)}"


def _value(value: float) -> str:
    if value != value:
        return "not known"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _made(receipt: Receipt) -> str:
    rows: list[Sequence[Cell]] = [
        (str(i), f"{fold.as_of:%Y-%m-%d}", f"{fold.until:%Y-%m-%d}", f"{fold.churns:,}", fold.mode)
        for i, fold in enumerate(receipt.folds, start=1)
    ]
    return (
        "<h2>How this was made</h2>\n"
        "<p>At each fold's moment a model was trained on the snapshots up to it and on outcomes that had been observed "
        "by then; a churn nobody could be sure of yet taught nothing. It scored every 28-day snapshot until the next "
        "fold's moment. A horizon counts where it has been observed to its end.</p>\n"
        f"{table(['fold', 'trained on', 'used until', 'churns learned from', 'mode'], rows)}"
        f"<p>Intervals come from {receipt.resamples} draws of whole accounts. {NOT_TOLD} stands where a figure "
        "can't be told, as where nobody left.</p>\n"
    )


SHOWN: tuple[tuple[str, str, Callable[[Estimate], Cell]], ...] = (
    ("auc", "AUC: of one who left and one who stayed, the leaver had the higher risk", lambda e: figure_of(e, 3)),
    ("pr_auc", "PR AUC: share of leavers among those with a leaver's risk or more", lambda e: figure_of(e, 3)),
    ("brier", "Brier, an error: lower is better", lambda e: figure_of(e, 4)),
    ("base_brier", "… of saying the average for everyone", lambda e: number(e.value, 4)),
    ("log_loss", "Log-loss, an error that punishes being sure and wrong", lambda e: figure_of(e, 4)),
    ("base_log_loss", "… of saying the average for everyone", lambda e: number(e.value, 4)),
    ("expected_to_actual", "Expected ÷ actual leavers: 1 is right", lambda e: figure_of(e, 2)),
    ("expected_to_actual_arr", "Expected ÷ actual ARR lost", lambda e: figure_of(e, 2)),
    ("lift", "Lift: how many times the average the tenth with the highest risks left", lambda e: figure_of(e, 1)),
    ("arr_caught", "Share of the lost ARR in that tenth", lambda e: rate_of(e, 0)),
)
"""What the model's table shows: figure, its words, and how it is written."""
