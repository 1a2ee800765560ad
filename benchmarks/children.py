"""Real processes: started together, watched, and never left behind."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from django_jobqueue.core.clock import monotonic

from .ending import requests_held_back
from .errors import BenchmarkFailed

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 30

WORKER = (sys.executable, "manage.py", "runjobs")
WORKER_UNTIL_EMPTY = (*WORKER, "--until-empty")
LIMIT = (sys.executable, "-m", "benchmarks.limit")


class ChildFailed(BenchmarkFailed):
    """A process ended badly or not at all; the message holds what it printed."""


class Children:
    """Some processes that run the same command."""

    def __init__(
        self, command: Sequence[str], processes: Sequence[tuple[subprocess.Popen[bytes], IO[bytes]]]
    ) -> None:
        self._command, self._processes = " ".join(command[1:]), processes

    @property
    def pids(self) -> list[int]:
        return [process.pid for process, _ in self._processes]

    def pause(self, seconds: float) -> None:
        """Let time pass; ChildFailed as soon as one of them has ended."""
        process, output = self._processes[0]
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            for process, output in self._processes:
                if process.poll() is not None:
                    raise self._failed(f"ended with {process.returncode}", output) from None
            return
        raise self._failed(f"ended with {process.returncode}", output)

    def wait(self, seconds: float) -> None:
        """Return when all have ended well."""
        until = monotonic() + seconds
        for process, output in self._processes:
            try:
                status = process.wait(max(0.0, until - monotonic()))
            except subprocess.TimeoutExpired:
                raise self._failed(f"had not ended after {seconds:.0f} s", output) from None
            if status:
                raise self._failed(f"ended with {status}", output)

    def stop(self) -> None:
        """Ask those that still run to end, and see to it that they do."""
        for process, _ in self._processes:
            process.terminate()
        for process, _ in self._processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _failed(self, what: str, output: IO[bytes]) -> ChildFailed:
        output.seek(0)
        return ChildFailed(
            f"{self._command} {what}:\n{output.read().decode(errors='replace')[-4000:]}"
        )


@contextmanager
def started(
    command: Sequence[str], *, count: int = 1, environment: Mapping[str, str] | None = None
) -> Iterator[Children]:
    """Run the command in `count` processes for as long as the block lasts."""
    with ExitStack() as files:
        processes: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []
        children = Children(command, processes)
        files.callback(children.stop)
        for _ in range(count):
            output = files.enter_context(tempfile.TemporaryFile())
            with requests_held_back():
                process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={**os.environ, **(environment or {})},
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
                processes.append((process, output))
        yield children
