"""The book: what the whole company, or a part of it, looks like at a moment."""

from features.book.book import book, books
from features.book.catalogue import BOOK, MEASURES, markdown
from features.book.groups import GROUPINGS
from features.book.headlines import HEADLINES
from features.book.measure import BookMeasure
from features.book.targets import NO_TARGETS, Targets, read_targets

__all__ = [
    "BOOK",
    "GROUPINGS",
    "HEADLINES",
    "MEASURES",
    "NO_TARGETS",
    "BookMeasure",
    "Targets",
    "book",
    "books",
    "markdown",
    "read_targets",
]
