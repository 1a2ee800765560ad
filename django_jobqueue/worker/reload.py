"""In development: children give way to others when a source file of the site changes."""

import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

from django.apps import apps
from django.utils.autoreload import StatReloader

from django_jobqueue.service import TickingTask

#: When each file was changed.
Snapshot = Callable[[], Mapping[Path, float]]


def source_files() -> Snapshot:
    """Return what looks at all that is imported here, and at the apps of the site, whose modules
    only children may import.
    """
    reloader = StatReloader()
    installed = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
    for app in apps.get_app_configs():
        folder = Path(app.path)
        if not any(folder.is_relative_to(one) for one in installed):
            reloader.watch_dir(folder, "**/*.py")
    return lambda: dict(reloader.snapshot_files())


class Reload(TickingTask):
    """Calls `changed` with the names of the files that have changed since the last look.

    A new file is none: it matters once one that is there imports it.
    """

    id = "reload"

    def __init__(self, *, snapshot: Snapshot, changed: Callable[[list[str]], object]) -> None:
        super().__init__(interval=1.0)
        self._snapshot, self._changed = snapshot, changed
        self._known = dict(snapshot())

    def tick(self) -> None:
        changed = []
        for path, moment in self._snapshot().items():
            if self._known.setdefault(path, moment) != moment:
                self._known[path] = moment
                changed.append(str(path))
        if changed:
            self._changed(sorted(changed))
