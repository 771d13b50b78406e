"""The rows of a list as CSV."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from serving.read_models import AccountRow


def as_csv(rows: list[dict[str, Any]], columns: Iterable[str] = AccountRow.model_fields) -> str:
    """The rows of a list as CSV (RFC 4180), an empty cell for null.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns))
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
