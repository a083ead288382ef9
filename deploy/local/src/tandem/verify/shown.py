"""The report as a person wants to read it."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tandem.verify.report import Report


def show(report: Report, console: Console) -> None:
    """What was looked at, what still moves, what was found."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column(style="dim")
    for what, count in report.looked_at.items():
        if count:
            table.add_row(f"{count:,}", what)
    console.print(table)
    for text in report.moving:
        _say(console, "moving", text, "cyan")
    for text in report.dead_letters:
        _say(console, "dead letter", text, "yellow")
    for finding in report.findings:
        _say(console, finding.check, finding.text, "red")
    if report.is_clean:
        console.print(Text("Everything that must hold does.", style="green"))
    else:
        console.print(Text(f"{len(report.findings)} findings.", style="bold red"))


def _say(console: Console, head: str, text: str, style: str) -> None:
    console.print(Text.assemble((f"{head}: ", style), text), soft_wrap=True)
