"""The command line: `tandem run` and `tandem demo`, or `python -m tandem run`."""

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
    """Play a guest's journey against a running shop (TANDEM_GATEWAY_URL)."""
    from tandem import demo as journey

    journey.main(Console(highlight=False))


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
