"""What is kept in files: the spool, and a database of SQLite."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from django.core.checks import CheckMessage, Error, Warning
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.store.spool import others_may_write, why_unusable

from .base import of_database, of_settings
from .databases import is_in_memory

#: Where Linux tells what is mounted:
#: https://docs.kernel.org/filesystems/proc.html#proc-pid-mountinfo-information-about-mounts
MOUNTS = Path("/proc/self/mountinfo")
NETWORK_FILE_SYSTEMS = frozenset(
    ["9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "lustre", "nfs", "nfs4", "smb3"]
)


@of_settings
def check_spool(settings: JobQueueSettings) -> Iterator[CheckMessage]:
    """E004: JOBQUEUE["SPOOL"] cannot be written. W003: others could put jobs of theirs there."""
    directory = settings.spool
    if directory is None:
        return
    named = f"JOBQUEUE['SPOOL'] is {str(directory)!r}"
    if (why := why_unusable(directory)) is not None:
        hint = "Name a directory that belongs to the user who runs this, outside the web root."
        yield Error(f"{named}: {why}.", hint=hint, id="jobqueue.E004")
    elif others_may_write(directory):
        hint = f"Take the right from them: chmod 700 {directory}"
        told = f"{named}: other users may write there, and what is in a spool is run."
        yield Warning(told, hint=hint, id="jobqueue.W003")


@of_database
def check_file_systems(
    settings: JobQueueSettings, wrapper: BaseDatabaseWrapper
) -> Iterator[CheckMessage]:
    """W016: files of SQLite on a file system that other hosts share."""
    files: dict[str, Path] = {}
    if settings.spool is not None:
        files["JOBQUEUE['SPOOL']"] = settings.spool
    if wrapper.vendor == "sqlite" and not is_in_memory(wrapper):
        files[f"The SQLite database {wrapper.alias!r}"] = Path(wrapper.settings_dict["NAME"])
    for named, path in files.items():
        kind = file_system_of(path)
        if kind in NETWORK_FILE_SYSTEMS:
            yield Warning(
                f"{named} is on a file system of the kind {kind}: the locks of SQLite do not hold "
                "there, and its file will be damaged sooner or later.",
                hint="Move it to a disk of this host, or keep jobs in PostgreSQL.",
                id="jobqueue.W016",
            )


def file_system_of(path: Path) -> str | None:
    """Return the kind of the file system that a path is on, or would be; None where nobody tells.

    URIs, and paths that cannot be looked at, are on none.
    """
    try:
        place = os.path.realpath(path)
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except (OSError, ValueError):
        return None
    found, longest = None, -1
    for line in lines:
        before, _, after = line.partition(" - ")
        mounted_at = _unescaped(before.split()[4])
        is_within = place == mounted_at or place.startswith(mounted_at.rstrip("/") + "/")
        # Of two on one place, the later one hides the other.
        if is_within and len(mounted_at) >= longest:
            found, longest = after.split()[0], len(mounted_at)
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
