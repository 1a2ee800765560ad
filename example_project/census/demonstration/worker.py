"""A worker as a process of its own, as it would run on a server."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from example_project.census import places

#: Longer than the worker takes to let its jobs end.
STOP_SECONDS = 40.0
_TOLD_LINES = 15


class WorkerFailed(RuntimeError):
    """The worker ended on its own, or badly; the message holds the last lines it printed."""


class WorkerProcess:
    """A running worker; what it prints is kept."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        self._process, self._output = process, output

    def watch(self, seconds: float) -> None:
        """Let it work for some time; WorkerFailed if it ends meanwhile."""
        try:
            code = self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return
        raise self._failed(f"the worker ended with exit code {code} before its work was done")

    def stop(self) -> None:
        """Ask it to stop, as a deploy would, and wait; WorkerFailed if it ends badly."""
        self._process.terminate()
        try:
            code = self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise self._failed(f"the worker did not stop within {STOP_SECONDS:g} s") from None
        if code:
            raise self._failed(f"the worker stopped with exit code {code}")

    def end(self) -> None:
        """Make sure that nothing goes on, whatever happened."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _failed(self, what: str) -> WorkerFailed:
        self._output.seek(0)
        told = self._output.read().decode(errors="replace").splitlines()[-_TOLD_LINES:]
        return WorkerFailed("\n".join([f"{what}. It printed:", *(told or ["nothing"])]))


@contextmanager
def running_worker(options: Sequence[str]) -> Iterator[WorkerProcess]:
    """Start `manage.py runjobs` with options, and leave no process behind."""
    command = [sys.executable, str(places.CHECKOUT / "manage.py"), "runjobs", *options]
    # A file, not a pipe: nobody reads a pipe while the worker runs, and a full one would stop it.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603 - our own command, without a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=places.CHECKOUT,
            # With debugging on, Django would keep the queries of every job.
            env={**os.environ, "DEBUG": "0"},
        )
        worker = WorkerProcess(process, output)
        try:
            yield worker
        finally:
            worker.end()
