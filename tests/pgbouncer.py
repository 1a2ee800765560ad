"""A pgbouncer in transaction mode before a PostgreSQL server: Debian's package of that name."""

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from example_project.databases import database_from_url

SOCKET = ".s.PGSQL.5432"
STARTUP_SECONDS = 10.0
#: One server's connection serves one client's transaction after another's.
SETTINGS = {
    "listen_port": "5432",
    "auth_type": "any",
    "pool_mode": "transaction",
    "max_client_conn": "500",
    "default_pool_size": "20",
    # The server of a storm comes back within seconds; the default is 15.
    "server_login_retry": "1",
}


class PgbouncerDidNotStart(RuntimeError):
    """The message holds what it printed, or how to install it."""


def program() -> str | None:
    """Return where pgbouncer is, or None; an ordinary user's PATH lacks the folder it is in."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pgbouncer(url: str) -> Iterator[Path]:
    """Yield the socket of a pgbouncer before the server of `url`, run by an ordinary user."""
    found = program()
    if found is None:
        raise PgbouncerDidNotStart("it is not installed: on Debian, 'apt-get install pgbouncer'")
    folder = Path(tempfile.mkdtemp(prefix="jobqueue-pgbouncer-"))
    try:
        configuration, log = folder / "pgbouncer.ini", folder / "log"
        configuration.write_text(_configuration(folder, database_from_url(url)))
        user = _hand_over(folder)
        with log.open("w") as printed:
            process = subprocess.Popen(
                [found, str(configuration)], user=user, cwd="/", stdout=printed, stderr=printed
            )
        try:
            _wait_for(folder / SOCKET, process, log)
            yield folder / SOCKET
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(folder)


def url_behind(socket: Path, url: str) -> str:
    """Return the URL of the same database, reached through this socket."""
    name = database_from_url(url)["NAME"]
    return f"postgresql://postgres@/{name}?{urlencode({'host': str(socket.parent)})}"


def _configuration(folder: Path, database: Mapping[str, Any]) -> str:
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    server = " ".join(f"{name}={database[key]}" for name, key in names.items() if database[key])
    settings = {"listen_addr": "", "unix_socket_dir": str(folder), **SETTINGS}
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return "\n".join(["[databases]", f"* = {server}", "[pgbouncer]", *lines, ""])


def _hand_over(folder: Path) -> str | None:
    """It refuses to run as root."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, -1)
    return user.pw_name


def _wait_for(socket: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    pause = threading.Event()
    for _ in range(int(STARTUP_SECONDS / 0.02)):
        if socket.exists():
            return
        if process.poll() is not None:
            break
        pause.wait(0.02)
    raise PgbouncerDidNotStart(log.read_text())
