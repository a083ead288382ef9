"""Showing how far the load is: a bar on a terminal, a line per step elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Advance = Callable[[int], None]


class LoadProgress:
    """Steps of a load, each with a number of things to do."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()

    @contextmanager
    def step(self, what: str, total: int) -> Iterator["Step"]:
        """Show one step while it is done; its result is told at the end."""
        step = Step()
        if not self.console.is_terminal:
            yield step
        else:
            with Progress(
                TextColumn(f"  {what:<22}"),
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=self.console,
                transient=True,
            ) as bar:
                task = bar.add_task(what, total=total)
                step.advance = lambda count: bar.advance(task, count)
                yield step
        self.console.print(f"  {what:<22} {step.result}", highlight=False)


class Step:
    """One step under way."""

    def __init__(self) -> None:
        self.advance: Advance = lambda count: None
        self.result: object = ""
