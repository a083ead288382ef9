"""The command line: `tandem run`, `demo` and `verify`, or `python -m tandem run`."""

import asyncio
import json
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from tandem.errors import NotRunnable

app = typer.Typer(
    help="Tandem on one machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def run() -> None:
    """Run the whole shop here until Ctrl-C; the environment says where (TANDEM_*)."""
    from tandem import run as local
    from tandem.settings import LocalSettings

    local.run(LocalSettings(), Console())


@app.command()
def demo() -> None:
    """Play a guest's and a company's journey against a running shop (TANDEM_*_URL)."""
    from tandem import demo as journey

    journey.main(Console(highlight=False))


@app.command()
def verify(
    settle: Annotated[
        float, typer.Option(min=0, help="For how many seconds to wait for what is under way.")
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Check in the databases that everything holds that must; status 1 if something does not."""
    import asyncpg

    from tandem import verify as checker
    from tandem.databases import open_databases
    from tandem.settings import LocalSettings
    from tandem.verify.shown import show

    with open_databases(LocalSettings()) as databases:
        try:
            report = asyncio.run(checker.verify(databases, settle=settle))
        except (OSError, asyncpg.PostgresError) as problem:
            raise NotRunnable(f"The databases cannot be read: {problem}") from problem
    if as_json:
        print(json.dumps(report.as_dict(), indent=2))
    else:
        show(report, Console(highlight=False))
    raise typer.Exit(0 if report.is_clean else 1)


def main() -> None:
    """Run a command; what keeps it from running is told in a sentence, with status 1."""
    try:
        app()
    except NotRunnable as problem:
        fail(str(problem))
    except ValidationError as problem:
        told = (f"TANDEM_{one['loc'][0]}".upper() + f": {one['msg']}" for one in problem.errors())
        fail("\n".join(told))
    except PermissionError as problem:
        fail(f"{problem.filename}: {problem.strerror}. Does it belong to another user?")


def fail(why: str) -> None:
    """Tell why and end."""
    Console(stderr=True).print(Text(why, style="red"), soft_wrap=True)
    raise SystemExit(1)
