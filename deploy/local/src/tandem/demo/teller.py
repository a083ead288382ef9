"""How a journey is told: numbered steps in plain words, and below each what the shop answered."""

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text


class Teller:
    """Tells a journey step by step."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.number = 0

    def begin(self, title: str) -> None:
        """Tell whose journey it is."""
        self.console.print(Text(f"\n{title}", style="bold underline"))

    def say(self, what: str) -> None:
        """Begin the next step."""
        self.number += 1
        self.console.print(Text(f"{self.number:>2}. {what}", style="bold"))

    def tell(self, what: str) -> None:
        """Something that came of the step."""
        self.console.print(Padding(Text(what), (0, 0, 0, 4), expand=False))

    def show(self, table: RenderableType) -> None:
        """More of it, as a table."""
        self.console.print(table)

    def finish(self, what: str) -> None:
        """Tell how it ended."""
        self.console.print(Text(f"\n{what}", style="bold green"))
