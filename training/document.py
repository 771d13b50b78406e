"""A page as one HTML file that can be sent: no scripts, nothing from elsewhere, everything escaped."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from training.intervals import COVERAGE, Estimate
from training.verdict import PERCENT

_STYLE = Path(__file__).with_name("receipt.css")
_CONTENT = "default-src 'none'; style-src 'unsafe-inline'"
NOT_TOLD = "–"


@dataclass(frozen=True)
class Raw:
    """Text that is HTML already; everything else is escaped."""

    html: str


Cell = str | int | Raw


def document(title: str, sections: Sequence[str]) -> str:
    """The whole document; `sections` are HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_CONTENT}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE.read_text()}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def intervals_are() -> str:
    """What the small figures are."""
    return f"The small figures are intervals that hold the true one {100 * COVERAGE:.0f} times of 100."


def figure(caption: str, svg: str) -> str:
    """A drawing with its caption."""
    return f"<figure>\n<figcaption>{escape(caption)}</figcaption>\n{svg}</figure>\n"


def table(heads: Iterable[str], rows: Iterable[Sequence[Cell]], *, marked: str | None = None) -> str:
    """A table; the row that begins with `marked` stands out."""

    def lines() -> Iterator[str]:
        for row in rows:
            kind = ' class="model"' if marked is not None and row[0] == marked else ""
            yield f"<tr{kind}>{cells_of(row)}</tr>\n"

    return table_of(heads, lines())


def table_of(heads: Iterable[str], lines: Iterable[str]) -> str:
    """A table whose rows are HTML."""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    return f'<div class="scroll"><table>\n<tr>{head}</tr>\n{"".join(lines)}</table></div>\n'


def cells_of(row: Sequence[Cell]) -> str:
    """A row's cells."""
    return "".join(f"<td>{cell.html if isinstance(cell, Raw) else escape(str(cell))}</td>" for cell in row)


def figure_of(estimate: Estimate, digits: int) -> Raw:
    """A figure with its interval."""
    return Raw(f"{number(estimate.value, digits)}<small>{interval(estimate, digits)}</small>")


def rate_of(estimate: Estimate, digits: int) -> Raw:
    """A share in percent, with its interval."""
    return Raw(f"{share_of(estimate, digits)}<small>{interval(estimate, digits, 100)}</small>")


def share_of(estimate: Estimate, digits: int) -> str:
    """A share in percent."""
    value = number(100 * estimate.value, digits)
    return value if value == NOT_TOLD else f"{value}{PERCENT}"


def number(value: float, digits: int) -> str:
    """A number, or that it can't be told."""
    return NOT_TOLD if value != value else f"{value:,.{digits}f}".replace("-", "−")


def interval(estimate: Estimate, digits: int, scale: float = 1.0, unit: str = "", before: str = "") -> str:
    """The ends of the interval; empty where there is none."""
    if estimate.low != estimate.low:
        return ""
    ends = (number(scale * end, digits) for end in (estimate.low, estimate.high))
    return f"{before}{' to '.join(ends)}{unit}"
