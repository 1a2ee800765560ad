"""A worker in the process of the test, whose job processes meet it in its database."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from django_jobqueue.events import EventBus
from django_jobqueue.jobs.registry import registry

from .site import RunningWorker, Site, Told, within

#: More than elsewhere: interpreters are started, and the site is imported in each.
PATIENCE = 40.0


class Apart:
    """Handlers note what they do in a file of `folder`."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._site, self.folder = site, folder

    @property
    def told(self) -> Told:
        return self._site.told

    @property
    def bus(self) -> EventBus:
        return self._site.bus

    @property
    def pid(self) -> int:
        return os.getpid()

    def work(
        self, *, suspects: bool = False, options: Mapping[str, Any] | None = None, **settings: Any
    ) -> None:
        """Run a worker until nothing is due."""
        given = {"registry": registry, "suspects": suspects, **(options or {})}
        self._site.work(options=given, **settings)

    def working(self, **settings: Any) -> AbstractContextManager[RunningWorker]:
        """Run a worker beside the test."""
        return self._site.working(options={"registry": registry}, **settings)

    def hears_of(self, event: str) -> None:
        """Wait until it was told."""
        assert within(PATIENCE, lambda: self.told.of(event)), self.told.names

    def noted(self, word: str, *, times: int = 1) -> list[str]:
        """Wait for as many notes that begin with `word`; return how they go on."""
        assert within(PATIENCE, lambda: len(self._notes(word)) >= times), self._notes("")
        return self._notes(word)

    def _notes(self, word: str) -> list[str]:
        path = self.folder / "journal"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.removeprefix(word).strip() for line in lines if line.startswith(word)]

    def is_running(self, pid: str | int) -> bool:
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return False
        return True
