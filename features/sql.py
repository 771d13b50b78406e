"""Text for SQL, and DuckDB's messages for people."""


def identifier(name: str) -> str:
    """A name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


def first_line(error: BaseException) -> str:
    """The first line of DuckDB's message, without its kind."""
    line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return line.split(" Error: ", 1)[-1].strip()
