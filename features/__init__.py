"""What is known about an account at a moment: tables, sources, data quality, windows, signals.

`build(tables, spine(tables, as_ofs))` gives every signal, on Polars, DuckDB, pandas or Spark Connect frames.
"""

from features.catalogue import SIGNALS
from features.matrix import build
from features.spine import spine
from features.tables import TABLES, Tables

__all__ = ["SIGNALS", "TABLES", "Tables", "build", "spine"]
