"""The data contract in words: tables, rules and signals as Markdown, made from their declarations.

`python -m features.data_contract` writes them into `features/README.md`, between their markers.
"""

from pathlib import Path

from features.catalogue import markdown as signals_markdown
from features.rules import RULES
from features.tables import TABLES, Column

README = Path(__file__).with_name("README.md")


def tables_markdown() -> str:
    """All canonical tables with their columns."""
    parts = []
    for table in TABLES.values():
        need = "required" if table.required else "optional"
        key = f"; key: {', '.join(f'`{name}`' for name in table.key)}" if table.key else ""
        parts.append(f"### {table.name}\n\nOne row per {table.one_row_per}. Table is {need}{key}.\n")
        rows = [
            f"| `{column.name}`{' !' if column.required else ''} | {column.type} | {_meaning(column)} |"
            for column in table.columns
        ]
        parts.append("\n".join(("| column | type | meaning |", "| --- | --- | --- |", *rows, "")))
    return "\n".join(parts)


def rules_markdown() -> str:
    """All built-in data quality rules."""
    rows = [
        f"| `{rule.name}` | {rule.meaning} | {rule.then} | {rule.severity} | {rule.to_do or '–'} |"
        for rule in RULES.values()
    ]
    return "\n".join(
        ("| rule | finds | what is done | severity | what to do |", "| --- | --- | --- | --- | --- |", *rows, "")
    )


def filled(text: str) -> str:
    """A document with what its `tables`, `rules` and `signals` markers enclose made anew; ValueError without one."""
    parts = {"tables": tables_markdown(), "rules": rules_markdown(), "signals": f"{signals_markdown()}\n"}
    for name, content in parts.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, rest = text.split(start, 1)
        _, after = rest.split(end, 1)
        text = f"{before}{start}\n\n{content}\n{end}{after}"
    return text


def _meaning(column: Column) -> str:
    parts = [column.meaning]
    if column.values:
        parts.append(f"one of {', '.join(f'`{value}`' for value in column.values)}")
    if column.unit:
        parts.append(f"in {column.unit}")
    if column.known_with:
        parts.append(f"known with `{column.known_with}`")
    return "; ".join(parts)


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
