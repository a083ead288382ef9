"""`python -m gateway api [--schema d2c]` serves, `python -m gateway sdl d2c` prints a schema."""

import argparse
import sys
from collections.abc import Sequence

from chassis.server import run_app
from gateway.app import create_app
from gateway.schema import SCHEMAS, sdl
from gateway.settings import Settings


def main(argv: Sequence[str] | None = None) -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    api = commands.add_parser("api", help="serve until SIGTERM")
    api.add_argument("--schema", choices=[*SCHEMAS], action="append", help="only this; repeatable")
    printed = commands.add_parser("sdl", help="print a schema")
    printed.add_argument("schema", choices=[*SCHEMAS])
    given = parser.parse_args(argv)
    if given.command == "sdl":
        sys.stdout.write(sdl(given.schema))
        return
    settings = Settings()
    run_app(create_app(settings, schemas=given.schema or [*SCHEMAS]), settings)


if __name__ == "__main__":
    main()
