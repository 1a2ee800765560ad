"""What is kept in files."""

from pathlib import Path

import pytest

from django_jobqueue.checks import files
from example_project.databases import SQLITE_OPTIONS

from .sites import SQLITE, AliasOf, found, ids


class TestE004:
    def test_jobqueue_e004_a_spool_that_is_no_directory(self, tmp_path: Path):
        (tmp_path / "file").touch()

        [error] = found(SPOOL=tmp_path / "file")

        assert error.id == "jobqueue.E004"
        assert error.msg == f"JOBQUEUE['SPOOL'] is '{tmp_path}/file': it is not a directory."

    def test_jobqueue_e004_one_that_cannot_be_made(self, tmp_path: Path):
        [error] = found(SPOOL=tmp_path / "no" / "where")

        assert error.id == "jobqueue.E004"

    def test_jobqueue_e004_is_not_told_of_one_that_can(self, tmp_path: Path):
        assert found(SPOOL=tmp_path / "new") == []
        assert not (tmp_path / "new").exists()


class TestW003:
    def test_jobqueue_w003_a_spool_where_others_may_write(self, tmp_path: Path):
        tmp_path.chmod(0o770)

        [warning] = found(SPOOL=tmp_path)

        assert warning.id == "jobqueue.W003"
        assert warning.hint == f"Take the right from them: chmod 700 {tmp_path}"


def mounted(place: object, kind: str) -> str:
    """A line as Linux writes it."""
    return f"36 35 98:0 / {place} rw,noatime master:1 - {kind} server:/export rw\n"


class TestW016:
    @pytest.fixture
    def mounts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        told = tmp_path / "mountinfo"
        told.write_text(mounted("/", "ext4"))
        monkeypatch.setattr(files, "MOUNTS", told)
        return told

    def test_jobqueue_w016_a_spool_on_a_file_system_that_others_share(
        self, mounts: Path, tmp_path: Path
    ):
        mounts.write_text(mounted("/", "ext4") + mounted(tmp_path, "nfs4"))

        [warning] = found(deploy=True, SPOOL=tmp_path / "spool")

        assert warning.id == "jobqueue.W016"
        assert "JOBQUEUE['SPOOL'] is on a file system of the kind nfs4" in warning.msg

    def test_jobqueue_w016_a_database_on_one(self, mounts: Path, tmp_path: Path, alias_of: AliasOf):
        mounts.write_text(mounted(tmp_path, "cifs"))
        alias_of("shared", **SQLITE | {"NAME": tmp_path / "jobs.sqlite3"}, OPTIONS=SQLITE_OPTIONS)

        [warning] = found(deploy=True, DATABASE="shared")

        assert warning.id == "jobqueue.W016"
        assert "'shared' is on a file system of the kind cifs" in warning.msg

    def test_jobqueue_w016_is_told_with_deploy_alone(self, mounts: Path, tmp_path: Path):
        mounts.write_text(mounted("/", "nfs"))

        assert found(SPOOL=tmp_path / "spool") == []

    @pytest.mark.parametrize("told", ["", mounted("/", "ext4")], ids=["nothing", "a disk"])
    def test_jobqueue_w016_is_not_told_of_a_disk_or_of_what_nobody_knows(
        self, mounts: Path, tmp_path: Path, told: str
    ):
        mounts.write_text(told)

        assert ids(found(deploy=True, SPOOL=tmp_path / "spool")) == []

    def test_the_nearest_mount_counts_and_of_two_on_one_place_the_later(
        self, mounts: Path, tmp_path: Path
    ):
        place = tmp_path / "a b"
        place.mkdir()
        escaped = str(place).replace(" ", "\\040")
        mounts.write_text(mounted(escaped, "nfs") + mounted(escaped, "xfs") + mounted("/", "ext4"))

        assert files.file_system_of(place / "x" / "y") == "xfs"
        assert files.file_system_of(place) == "xfs"
        assert files.file_system_of(tmp_path / "a bc") == "ext4"

    def test_where_nobody_tells_what_is_mounted_nothing_is_known(self, mounts: Path):
        mounts.unlink()

        assert files.file_system_of(Path("/")) is None
