"""Following a history while it is written, to know what runs where."""

from collections.abc import Collection
from pathlib import Path

import msgspec

from .history import Event


class Watch:
    """Who runs what, as far as the history tells by now."""

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0
        self._decoder = msgspec.json.Decoder(Event)
        self._open: dict[tuple[int, str], int] = {}  # (job, token) → process

    def runs_in(self, pids: Collection[int]) -> int:
        """Return how many runs have not ended in these processes."""
        self._look()
        return sum(pid in pids for pid in self._open.values())

    def has_met(self, pids: Collection[int]) -> bool:
        """Whether a job that runs in one of these processes runs in another one, too."""
        self._look()
        here = {job for (job, _), pid in self._open.items() if pid in pids}
        return any(job in here and pid not in pids for (job, _), pid in self._open.items())

    def _look(self) -> None:
        with self._path.open("rb") as history:
            history.seek(self._read)
            text = history.read()
        # A line is written whole, but a reader may come amid it.
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            self._take(self._decoder.decode(line))

    def _take(self, event: Event) -> None:
        if event.event == "start":
            self._open[event.job, event.token] = event.pid
        elif event.event == "end":
            self._open.pop((event.job, event.token), None)
        elif event.event == "gone":
            self._open = {run: pid for run, pid in self._open.items() if pid != event.pid}
