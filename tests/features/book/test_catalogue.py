from pathlib import Path

import pytest

from features.book import BOOK, HEADLINES, MEASURES, markdown
from features.book.catalogue import FACTS
from features.book.measure import AREAS
from features.signal import DIMENSIONS
from features.tables import TABLES


def test_names_are_unique_and_areas_in_order():
    assert len(BOOK) == len(MEASURES)
    assert {measure.area for measure in MEASURES} == set(AREAS)


def test_a_headline_per_dimension():
    assert len(HEADLINES) == len(DIMENSIONS)
    assert all(BOOK[name].unit == "share" and BOOK[name].direction == 1 for name in HEADLINES)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_a_measure_says_what_it_is(measure):
    assert measure.unit
    assert measure.meaning[0].isupper()
    assert not measure.meaning.endswith(".")
    assert measure.formula
    assert measure.tables
    assert set(measure.tables) <= set(TABLES)
    assert (measure.spread is None) != (measure.numerator is None)


def test_facts_read_canonical_tables():
    assert {table for facts in FACTS for table in facts.tables} <= set(TABLES)


def test_the_readme_lists_every_measure():
    section = (
        (Path(__file__).parents[3] / "features" / "README.md").read_text(encoding="utf-8").split("<!-- book -->")[1]
    )
    assert markdown() in section.split("<!-- /book -->")[0]


def test_the_markdown_has_a_line_per_measure():
    assert [line.split("`")[1] for line in markdown().splitlines()[2:]] == list(BOOK)
