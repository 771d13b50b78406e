"""Every book measure, in one order."""

from collections.abc import Mapping, Sequence

from features.book import community, economics, engagement, headlines, renewals, retention, services, social
from features.book.measure import BookMeasure, Facts

MEASURES: tuple[BookMeasure, ...] = (
    *retention.MEASURES,
    *renewals.MEASURES,
    *services.MEASURES,
    *headlines.MEASURES,
    *engagement.MEASURES,
    *community.MEASURES,
    *social.MEASURES,
    *economics.MEASURES,
)
"""Every measure, grouped by area."""

BOOK: Mapping[str, BookMeasure] = {measure.name: measure for measure in MEASURES}
"""Every measure by name."""

FACTS: tuple[Facts, ...] = (
    *retention.FACTS,
    *renewals.FACTS,
    *services.FACTS,
    *headlines.FACTS,
    *engagement.FACTS,
    *community.FACTS,
    *social.FACTS,
    *economics.FACTS,
)
"""All that is added up per group, once."""


def markdown(measures: Sequence[BookMeasure] = MEASURES) -> str:
    """The measures as a Markdown table, for `features/README.md`."""
    better = {1: "more is better", -1: "less is better", None: "–"}
    rows = [
        f"| `{m.name}` | {m.area} | {m.unit} | {better[m.direction]} | {m.meaning} | {m.formula} "
        f"| {', '.join(m.tables)} |"
        for m in measures
    ]
    head = "| measure | area | unit | direction | meaning | formula | made of |\n| " + " | ".join(["---"] * 7) + " |"
    return "\n".join([head, *rows])
