"""Progress on a terminal: what is going on, for how long, and what is done. Written to standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Report = Callable[[str], None]

WORTH_SAYING_S = 0.5
"""A step shorter than this leaves no line behind."""


@contextmanager
def progress(console: Console | None = None) -> Iterator[Report]:
    """A function to call with each step's name as it begins; a step that took a while is ticked off at its end."""
    console = console or Console(stderr=True)
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
    )
    current: list[tuple[str, float]] = []

    def tick() -> None:
        if current:
            step, began = current.pop()
            if (took := perf_counter() - began) >= WORTH_SAYING_S:
                console.print(f"[green]✓[/] {step} [dim]{took:.1f} s[/]", highlight=False)

    with bar:
        task = bar.add_task("", total=None)

        def report(step: str) -> None:
            tick()
            current.append((step, perf_counter()))
            bar.update(task, description=step)

        yield report
        tick()
