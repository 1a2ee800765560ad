"""The spool on the disk: what it keeps, who may read it, and what it says when it cannot."""

import os
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import pytest

from django_jobqueue.core.errors import SpoolUnusable
from django_jobqueue.store.spool import Entry, Kind, Spool, others_may_write, why_unusable

MOMENT = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
NOBODY = 65_534


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", using="default")


def an_entry(content: str = "[]", *, kind: Kind = Kind.JOBS) -> Entry:
    return Entry(receipt=uuid4(), kind=kind, spooled_at=MOMENT, content=content)


def receipts(entries: list[Entry]) -> list[UUID]:
    return [entry.receipt for entry in entries]


class TestKeeping:
    def test_entries_come_back_as_they_went_in_the_oldest_first(self, spool: Spool):
        entries = [an_entry(text) for text in ("é \x01 🐍", "", "x" * 300_000)]
        spool.add(entries[:1])
        spool.add(entries[1:])

        assert spool.waiting(Kind.JOBS, limit=10) == entries
        assert spool.waiting(Kind.JOBS, limit=2) == entries[:2]

    def test_jobs_and_outcomes_are_kept_apart(self, spool: Spool):
        jobs, outcome = an_entry(), an_entry(kind=Kind.OUTCOME)
        spool.add([outcome, jobs])

        assert spool.waiting(Kind.JOBS, limit=10) == [jobs]
        assert spool.waiting(Kind.OUTCOME, limit=10) == [outcome]

    def test_databases_are_kept_apart_whatever_their_alias(self, tmp_path: Path):
        aliases = ("default", "../default", "Default/x")
        for alias in aliases:
            Spool(tmp_path, using=alias).add([an_entry(f'["{alias}"]')])

        assert len(list(tmp_path.iterdir())) == len(aliases)
        for alias in aliases:
            [entry] = Spool(tmp_path, using=alias).waiting(Kind.JOBS, limit=10)
            assert entry.content == f'["{alias}"]'

    def test_what_was_removed_is_gone_and_may_be_removed_again(self, spool: Spool):
        one, other = an_entry(), an_entry()
        spool.add([one, other])
        for _ in range(2):
            spool.remove([one.receipt])

        assert spool.waiting(Kind.JOBS, limit=10) == [other]

    def test_what_was_set_aside_waits_no_more_until_it_is_to_be_tried_again(self, spool: Spool):
        one, other = an_entry(), an_entry()
        spool.add([one, other])
        spool.refuse(one.receipt, why="it is bad")

        assert spool.waiting(Kind.JOBS, limit=10) == [other]
        assert [(kept.receipt, kept.refused) for kept in spool.set_aside()] == [
            (one.receipt, "it is bad")
        ]
        spool.retry()
        assert receipts(spool.waiting(Kind.JOBS, limit=10)) == receipts([one, other])
        assert spool.set_aside() == []

    def test_all_entries_of_a_call_are_kept_or_none(self, spool: Spool):
        twice = an_entry()

        with pytest.raises(SpoolUnusable, match="UNIQUE"):
            spool.add([an_entry(), twice, twice])

        assert spool.waiting(Kind.JOBS, limit=10) == []

    def test_looking_creates_nothing(self, spool: Spool):
        assert spool.waiting(Kind.JOBS, limit=1) == []
        assert spool.set_aside() == []
        spool.remove([uuid4()])
        spool.retry()

        assert not spool.path.parent.exists()

    def test_commits_are_synced_to_the_disk(self, spool: Spool):
        spool.add([an_entry()])

        with spool._opened() as connection:
            [(synchronous,)] = connection.execute("PRAGMA synchronous")
            [(journal,)] = connection.execute("PRAGMA journal_mode")

        # FULL is 2, EXTRA 3; only a journal that is deleted needs EXTRA.
        assert (synchronous, journal) == (3, "delete")

    def test_a_new_folder_is_synced_to_the_disk_and_nothing_stays_open(
        self, spool: Spool, monkeypatch: pytest.MonkeyPatch
    ):
        synced: list[os.stat_result] = []
        before = os.listdir("/dev/fd")
        monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number)))
        spool.add([an_entry()])

        [one] = synced
        assert os.path.samestat(one, spool.path.parent.parent.stat())
        assert os.listdir("/dev/fd") == before

    def test_a_creation_that_was_cut_short_is_completed(self, spool: Spool):
        spool.path.parent.mkdir()
        spool.path.touch()
        spool.add([an_entry()])

        assert len(spool.waiting(Kind.JOBS, limit=10)) == 1


class TestSharing:
    def test_threads_may_add_at_one_moment(self, spool: Spool):
        together = threading.Barrier(8, timeout=30)

        def add(_: int) -> None:
            together.wait()
            for _ in range(5):
                spool.add([an_entry()])

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add, range(8)))

        assert len(spool.waiting(Kind.JOBS, limit=1_000)) == 40

    def test_processes_may_add_at_one_moment(self, spool: Spool):
        program = (
            "import sys; from pathlib import Path; from uuid import uuid4;"
            "from datetime import datetime, UTC;"
            "from django_jobqueue.store.spool import Entry, Kind, Spool;"
            "spool = Spool(Path(sys.argv[1]), using='default');"
            "[spool.add([Entry(receipt=uuid4(), kind=Kind.JOBS, content='[]',"
            " spooled_at=datetime(2026, 1, 1, tzinfo=UTC))]) for _ in range(10)]"
        )
        command = [sys.executable, "-c", program, str(spool.path.parent)]
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        processes = [subprocess.Popen(command, env=environment) for _ in range(3)]

        assert [process.wait(60) for process in processes] == [0, 0, 0]
        assert len(spool.waiting(Kind.JOBS, limit=1_000)) == 30


class TestRights:
    def test_only_its_owner_may_look(self, spool: Spool):
        before = os.umask(0)
        try:
            spool.add([an_entry()])
        finally:
            os.umask(before)

        assert stat.S_IMODE(spool.path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(spool.path.stat().st_mode) == 0o600

    def test_a_link_that_somebody_put_there_is_not_followed(self, spool: Spool, tmp_path: Path):
        spool.path.parent.mkdir()
        spool.path.symlink_to(tmp_path / "elsewhere")

        with pytest.raises(SpoolUnusable, match="symbolic link"):
            spool.add([an_entry()])
        assert not (tmp_path / "elsewhere").exists()

    def test_a_folder_that_others_may_write_is_known(self, tmp_path: Path):
        tmp_path.chmod(0o755)
        assert not others_may_write(tmp_path)
        tmp_path.chmod(0o775)
        assert others_may_write(tmp_path)
        assert not others_may_write(tmp_path / "missing")


class TestUnusable:
    def test_a_damaged_file_is_named_whatever_is_asked(self, spool: Spool):
        spool.add([an_entry("x" * 10_000)])
        with spool.path.open("r+b") as file:
            file.seek(100)
            file.write(b"\xff" * 8_000)

        for ask in (
            lambda: spool.waiting(Kind.JOBS, limit=10),
            spool.set_aside,
            lambda: spool.remove([uuid4()]),
            lambda: spool.add([an_entry()]),
        ):
            with pytest.raises(SpoolUnusable, match="malformed") as refused:
                ask()
            assert str(spool.path) in str(refused.value)

    def test_a_file_of_another_release_is_left_alone(self, spool: Spool):
        spool.add([an_entry()])
        with closing(sqlite3.connect(spool.path)) as connection:
            connection.execute("PRAGMA user_version = 7")

        with pytest.raises(SpoolUnusable, match="version 7"):
            spool.waiting(Kind.JOBS, limit=10)

    def test_an_entry_that_nobody_can_read_is_told(self, spool: Spool):
        spool.add([an_entry()])
        with closing(sqlite3.connect(spool.path)) as connection, connection:
            connection.execute("UPDATE entry SET spooled_at = 'yesterday'")

        with pytest.raises(SpoolUnusable, match="yesterday"):
            spool.waiting(Kind.JOBS, limit=10)

    def test_a_disk_that_takes_no_more_is_told_and_what_was_kept_stays(self, spool: Spool):
        spool.add([an_entry()])

        with files_of_at_most(spool.path.stat().st_size), pytest.raises(SpoolUnusable) as refused:
            spool.add([an_entry("x" * 100_000)])

        assert "disk" in str(refused.value)
        assert len(spool.waiting(Kind.JOBS, limit=10)) == 1
        spool.add([an_entry("x" * 100_000)])
        assert len(spool.waiting(Kind.JOBS, limit=10)) == 2

    def test_somebody_who_holds_it_too_long_is_told(
        self, spool: Spool, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("django_jobqueue.store.spool.BUSY_SECONDS", 0.01)
        spool.add([an_entry()])
        with closing(sqlite3.connect(spool.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")

            with pytest.raises(SpoolUnusable, match="locked"):
                spool.add([an_entry()])

    def test_a_folder_without_rights_is_named(self):
        with a_folder_of_somebody_else() as folder:
            spool = Spool(folder, using="default")
            with pytest.raises(SpoolUnusable, match="Permission denied"):
                spool.add([an_entry()])
            assert spool.waiting(Kind.JOBS, limit=1) == []
            assert why_unusable(folder) == "this user may not write there"
            assert why_unusable(folder / "new") == "it does not exist, and cannot be created"
            folder.chmod(0)
            with pytest.raises(SpoolUnusable, match="Permission denied"):
                spool.waiting(Kind.JOBS, limit=1)
            assert "Permission denied" in str(why_unusable(folder / "new"))

    def test_why_it_could_not_be_kept_there_is_known_before(self, tmp_path: Path):
        (tmp_path / "file").touch()

        assert why_unusable(tmp_path) is None
        assert why_unusable(tmp_path / "new") is None
        assert why_unusable(tmp_path / "file") == "it is not a directory"
        (tmp_path / "file").chmod(0o755)  # as one that may be entered
        assert why_unusable(tmp_path / "file" / "new") == (
            "it does not exist, and cannot be created"
        )
        assert why_unusable(tmp_path / "new" / "newer") == (
            "it does not exist, and cannot be created"
        )


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to write beyond it, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def a_folder_of_somebody_else() -> Iterator[Path]:
    """One where this user may not write: root may everywhere, so be nobody for a while."""
    is_root = os.geteuid() == 0
    with TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        if is_root:
            os.chown(name, NOBODY, -1)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            if is_root:
                os.seteuid(0)
            Path(name).chmod(0o700)
