"""Where the databases of a shop on this machine are, whether it runs at the moment or not."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from tandem import postgres
from tandem.errors import NotRunnable
from tandem.folder import locked
from tandem.ports import LOOPBACK
from tandem.run import open_postgres, place_of
from tandem.settings import PARTS, LocalSettings


@contextmanager
def open_databases(settings: LocalSettings) -> Iterator[dict[str, str]]:
    """The URLs of the databases, by service, as each one's own role.

    Nothing is made. A PostgreSQL of our own that does not run is started, and stopped in the end.
    Raises NotRunnable where there is no shop.
    """
    folder = settings.data
    if not (folder / "secrets").is_dir():
        raise NotRunnable(
            f"There is no shop in the data folder {folder}. Start one with `make run`, or name"
            " another folder with TANDEM_DATA."
        )
    settings = settings.model_copy(update={"data": folder.resolve()})
    with ExitStack() as stack:
        server = settings.postgres_url or _own_server(settings, stack)
        prefix = settings.postgres_prefix if settings.postgres_url else ""
        secrets = settings.data / "secrets" / place_of(settings)
        yield {
            name: postgres.database_url(server, prefix + name, _read(secrets / f"postgres-{name}"))
            for name in PARTS
        }


def _own_server(settings: LocalSettings, stack: ExitStack) -> str:
    """The running one's URL, else one that is started here, under the lock of the folder."""
    try:
        stack.enter_context(locked(settings.data))
    except NotRunnable:
        folder = settings.data / "postgres"
        password = _read(settings.data / "secrets" / "postgres")
        port = _read(folder / "port")
        return f"postgresql://{postgres.SUPERUSER}:{quote(password)}@{LOOPBACK}:{port}/postgres"
    _read(settings.data / "secrets" / "postgres")
    server = open_postgres(settings)
    stack.callback(server.stop)
    return server.url


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise NotRunnable(f"{path} is missing: no shop was started here yet.") from None
