"""The disk of the database is full."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest
from django.db import connection

from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob
from tests.worker.bench import Bench
from tests.worker.site import COMMITTED

pytestmark = COMMITTED
NoRoomLeft = Callable[[], AbstractContextManager[None]]
A_MEBIBYTE = b"\0" * 2**20


def test_an_outcome_that_finds_no_room_on_the_disk_is_kept_until_there_is_some(
    no_room_left: NoRoomLeft,
) -> None:
    bench = Bench()
    job_id = bench.enqueue()
    bench.pump.tick()
    [held] = bench.sync.running
    bench.end(held, result='"' + 100_000 * "x" + '"')

    with no_room_left():
        bench.pump.tick()
        assert bench.state_of(job_id) == JobState.RUNNING
        assert "pump.database_failed" in bench.told.names
    bench.time.passes(bench.pump.rest() + 0.001)
    bench.pump.tick()

    assert bench.state_of(job_id) == JobState.SUCCEEDED
    assert ArchivedJob.objects.get().result == 100_000 * "x"


@pytest.fixture
def no_room_left(request: pytest.FixtureRequest) -> NoRoomLeft:
    if connection.vendor == "sqlite":
        return file_that_may_not_grow
    if not may_mount():
        pytest.skip("a small disk is mounted, which takes root")
    small_disk = request.getfixturevalue("small_disk")
    return lambda: filled(small_disk)


@contextmanager
def file_that_may_not_grow() -> Iterator[None]:
    """SQLite says then what it says of a disk that is full."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # pages that earlier tests have left free are room, too
        cursor.execute("PRAGMA page_count")
        [pages] = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        try:
            yield
        finally:
            cursor.execute("PRAGMA max_page_count = 1073741823")


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    with (disk / "filling").open("wb", buffering=0) as filling, suppress(OSError):
        while True:
            filling.write(A_MEBIBYTE)
    try:
        yield
    finally:
        (disk / "filling").unlink()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of four mebibytes, on which PostgreSQL keeps archived jobs and nothing else."""
    with mounted() as disk, connection.cursor() as cursor:
        folder = disk / "tablespace"
        folder.mkdir()
        cursor.execute("SHOW data_directory")
        [data] = cursor.fetchone()
        os.chown(folder, os.stat(data).st_uid, -1)
        cursor.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        cursor.execute("TRUNCATE jobqueue_archivedjob")  # pages with room would do without more
        cursor.execute("ALTER TABLE jobqueue_archivedjob SET TABLESPACE small")
        yield disk
        cursor.execute("ALTER TABLE jobqueue_archivedjob SET TABLESPACE pg_default")
        cursor.execute("DROP TABLESPACE small")


@contextmanager
def mounted() -> Iterator[Path]:
    # Not a folder of pytest's: those are closed to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="jobqueue-disk-") as name:
        options = "size=4m,mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", name], check=True)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


def may_mount() -> bool:
    attempt = "mount -t tmpfs -o size=64k tmpfs /mnt"
    command = ["unshare", "--mount", "sh", "-c", attempt]
    return os.geteuid() == 0 and not subprocess.run(command, capture_output=True).returncode
