"""Virtual environments of the systems that are compared, and a Redis server for one of them."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from django_jobqueue.core.clock import monotonic

from .children import ROOT, started
from .errors import BenchmarkFailed
from .report import progress

FOLDER = ROOT / ".cache" / "peers"
REDIS_SECONDS = 10
#: What the systems with the highest demands need.
NEWEST_PYTHON = (3, 12)


class NotAvailable(BenchmarkFailed):
    """What a system needs is not on this machine; the message says what."""


def python_of(
    name: str,
    *,
    requirements: Sequence[str],
    minimum: tuple[int, int] = (3, 11),
    newer: str | None = None,
) -> Path:
    """Return the interpreter of a virtual environment with these requirements, made if need be.

    `newer` is the Python to take where this one is older than the minimum. NotAvailable where there
    is none that new, or they cannot be installed.
    """
    folder, wanted = FOLDER / name, "\n".join(requirements)
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    if installed.exists() and installed.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    progress(f"{name}: installing {', '.join(requirements)}")
    _run([interpreter(minimum, newer=newer), "-m", "venv", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", *requirements])
    installed.write_text(wanted)
    return python


def versions_of(python: Path, packages: Sequence[str]) -> str:
    """Return the installed versions, and that of the interpreter."""
    told = (
        "import platform, sys; from importlib.metadata import version;"
        "print(', '.join(f'{name} {version(name)}' for name in sys.argv[1:]),"
        " 'Python ' + platform.python_version(), sep=', ')"
    )
    done = subprocess.run([python, "-c", told, *packages], capture_output=True, text=True)
    return done.stdout.strip()


def interpreter(minimum: tuple[int, int], *, newer: str | None) -> str:
    """Return a Python that is new enough; NotAvailable where there is none."""
    if sys.version_info >= minimum:
        return sys.executable
    wanted = f"python{minimum[0]}.{minimum[1]}"
    found = newer or shutil.which(wanted)
    if found and _works(found, minimum=minimum):
        return found
    raise NotAvailable(f"it needs Python {minimum[0]}.{minimum[1]} or newer: say --newer-python")


def missing(*, newer: str | None) -> Iterator[str]:
    """Tell what some system needs that is not on this machine."""
    for look in (redis_program, partial(interpreter, NEWEST_PYTHON, newer=newer)):
        try:
            look()
        except NotAvailable as told:
            yield str(told)


def _works(python: str, *, minimum: tuple[int, int]) -> bool:
    # A shim of a version manager may be there without the version.
    asked = f"import sys; sys.exit(sys.version_info < {minimum})"
    try:
        return subprocess.run([python, "-c", asked], capture_output=True).returncode == 0
    except OSError:
        return False


def _run(command: Sequence[str]) -> None:
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise NotAvailable(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")


def redis_program() -> str:
    """Return where redis-server is; NotAvailable where there is none."""
    if program := shutil.which("redis-server"):
        return program
    raise NotAvailable("it needs redis-server: on Debian, 'apt-get install redis-server'")


@contextmanager
def redis_server() -> Iterator[str]:
    """Yield the URL of a fresh Redis with the durability that it has by default.

    NotAvailable where there is no redis-server.
    """
    program = redis_program()
    with tempfile.TemporaryDirectory(prefix="jobqueue-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        command = (program, "--port", "0", "--unixsocket", str(socket), "--dir", folder)
        with started(command) as server:
            until = monotonic() + REDIS_SECONDS
            while not socket.exists():
                if monotonic() > until:
                    raise NotAvailable("redis-server did not start")
                server.pause(0.05)
            yield f"redis+socket://{socket}"
