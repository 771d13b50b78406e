"""Writing text tables as CSV and JSON Lines, malformed lines included."""

import json
from pathlib import Path

import polars as pl


def write_csv(path: Path, lines: pl.DataFrame, malformed: int = 0) -> None:
    """Write the text frame, then so many lines with the wrong number of fields in its middle."""
    written = lines.write_csv()
    if malformed:
        head = written.find("\n", len(written) // 2) + 1
        extra = "".join(f"broken export {number}{',?' * (lines.width + 2)}\n" for number in range(malformed))
        written = written[:head] + extra + written[head:]
    path.write_text(written)


def write_jsonl(path: Path, lines: pl.DataFrame, numbers: tuple[str, ...], malformed: int = 0) -> None:
    """Write one object a line, `numbers` as numbers where they are; then so many lines cut short in the middle."""
    typed = lines.with_columns(pl.col(name).cast(pl.Float64, strict=False).alias(f"{name}#") for name in numbers)
    written = []
    for row in typed.iter_rows(named=True):
        for name in numbers:
            number = row.pop(f"{name}#")
            row[name] = row[name] if number is None else number
        written.append(json.dumps({name: value for name, value in row.items() if value is not None}))
    middle = len(written) // 2
    written[middle:middle] = ['{"account_id": "A0'] * malformed
    path.write_text("".join(f"{line}\n" for line in written))
