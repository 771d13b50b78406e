"""Telling repeats quickly gives what comparing rows gives."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from features.repeats import has_repeats

ROW = st.tuples(
    st.sampled_from(["a", "b", None]),
    st.sampled_from([0, 1, -1, None]) | st.integers(-(2**63), 2**63 - 1),
    st.dates() | st.none(),
)


@given(st.lists(ROW, max_size=8))
def test_against_comparing_rows(rows: list[tuple[object, ...]]) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.Int64, "c": pl.Date}, orient="row")
    for columns in (["a"], ["b"], ["c"], ["a", "c"], ["a", "b", "c"]):
        assert has_repeats(frame.select(columns)) == (len(set(frame.select(columns).rows())) < len(rows))
