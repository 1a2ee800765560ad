"""`manage.py` in processes of their own, on the database that the test uses too."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from django.db import connection

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
#: Seconds instead of half-minutes: what is tested is the protocol, not its defaults.
QUICK: dict[str, Any] = {
    "HEARTBEAT_INTERVAL": 0.25,
    "LEASE": 1.5,
    "REAP_INTERVAL": 0.2,
    "POLL_INTERVAL": 0.2,
    "PROMOTE_INTERVAL": 0.2,
    "CONCURRENCY": 4,
    "DRAIN": 10,
}


def within(seconds: float, condition: Callable[[], object]) -> bool:
    """Look again and again at what another process does; False if it never came true."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return True
        pause.wait(0.02)
    return False


class Process:
    """One `manage.py` command in a process of its own; what it prints goes to a file."""

    def __init__(
        self, command: tuple[str, ...], *, environment: Mapping[str, str], printed: Path
    ) -> None:
        self._printed = printed
        with printed.open("w") as file:
            self._popen = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def output(self) -> str:
        """What it has printed so far, errors included."""
        return self._printed.read_text()

    def says(self, text: str) -> bool:
        """Wait until it has printed the text."""
        return within(PATIENCE, lambda: text in self.output)

    @property
    def has_ended(self) -> bool:
        return self._popen.poll() is not None

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def status(self, *, timeout: float = PATIENCE) -> int:
        """Wait for its end and return the exit status."""
        return self._popen.wait(timeout)

    @property
    def children(self) -> list[int]:
        """The ids of the child processes it has started so far."""
        return [pid for _, pid in self.named_children]

    @property
    def named_children(self) -> list[tuple[str, int]]:
        """With the names of their places."""
        started = re.findall(r"child.started .*?child=(\S+) .*?pid=(\d+)", self.output)
        return [(name, int(pid)) for name, pid in started]

    def kill_with_children(self) -> None:
        """As `kill -9` of the whole tree, the children first: so none can give anything back."""
        self.send(signal.SIGSTOP)
        for pid in self.children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kill()

    def kill(self) -> None:
        """As `kill -9`; nothing happens to a process that has ended."""
        self._popen.kill()
        self.status()


@dataclass
class Deployment:
    """A site on a database of its own, with the processes that a test starts on it."""

    url: str
    folder: Path
    settings: Mapping[str, Any] = field(default_factory=lambda: QUICK)
    processes: list[Process] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def journal(self) -> list[str]:
        path = self.folder / "journal"
        return path.read_text().splitlines() if path.exists() else []

    def start(self, *command: str, url: str | None = None, **settings: Any) -> Process:
        """Start `manage.py COMMAND …`; `settings` are keys of JOBQUEUE."""
        process = Process(
            command,
            environment={
                "DJANGO_SETTINGS_MODULE": "tests.acceptance.settings",
                "DATABASE_URL": url or self.url,
                "JOBQUEUE_JOURNAL": str(self.folder / "journal"),
                "JOBQUEUE_SETTINGS": json.dumps({**self.settings, **settings}),
                "PYTHONUNBUFFERED": "1",
                **self.environment,
            },
            printed=self.folder / f"output-{len(self.processes)}",
        )
        self.processes.append(process)
        return process

    def run(self, *command: str, url: str | None = None, **settings: Any) -> Process:
        """Start a command and wait for its end."""
        process = self.start(*command, url=url, **settings)
        process.status()
        return process

    def worker(self, *options: str, **settings: Any) -> Process:
        return self.start("runjobs", *options, **settings)

    def has_noted(self, *lines: str) -> bool:
        """Wait until the journal has all these lines."""
        return within(PATIENCE, lambda: set(lines) <= set(self.journal))


def url_of_the_suite() -> str:
    """The URL of the database that this test uses, for another process."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


@contextmanager
def an_empty_database(folder: Path) -> Iterator[str]:
    """Yield the URL of a database without any table, beside the one of the suite."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{folder}/empty.sqlite3"
        return
    name = f"jobqueue_{uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
