"""A look at a SQLite file asks SQLite only where the times of the log do not say enough."""

import os
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from django_jobqueue.models import QueueRecord
from django_jobqueue.store.file_version import FileVersion, Traces
from tests.elsewhere import elsewhere

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

TRUST = FileVersion.TRUST_SECONDS


class Counting(FileVersion):
    """Its time is set, and it counts how often it asks."""

    def __init__(self) -> None:
        super().__init__("default", elapsed=lambda: self.time)
        self.time = 1000.0
        self.asked = 0
        self.stands_still: Traces | None = None

    def _traces_of_log(self) -> Traces | None:
        return self.stands_still or super()._traces_of_log()

    def _ask(self) -> int:
        self.asked += 1
        return super()._ask()

    def later(self, seconds: float = TRUST) -> int:
        self.time += seconds
        return self.look()


@pytest.fixture
def file() -> Counting:
    QueueRecord.objects.create(name="so that there is a log")
    return Counting()


def log() -> Path:
    return Path(f"{connection.settings_dict['NAME']}-wal")


def commit(text: str = "elsewhere") -> None:
    QueueRecord.objects.update(pause_reason=text)


def test_what_another_connection_commits_is_seen_at_once_however_quiet_it_was(
    file: Counting,
) -> None:
    os.utime(log(), (1.0, 1.0))  # long ago, however fast this test is
    before = file.look()
    for _ in range(10):
        assert file.later() == before

    elsewhere(commit)

    assert file.look() != before


def test_a_quiet_file_is_asked_for_now_and_then(file: Counting) -> None:
    file.look()
    file.later()
    file.asked = 0
    for _ in range(100):
        file.later(TRUST / 20)

    assert file.asked in (4, 5, 6)


def test_for_a_while_after_a_change_nobody_relies_on_times(file: Counting) -> None:
    file.look()
    file.later()
    file.stands_still = (1, 2, 3)
    before = file.look()

    elsewhere(commit)  # in the same step of the file system's clock

    assert file.later(TRUST / 20) != before


def test_a_change_that_left_no_trace_is_seen_a_little_later(file: Counting) -> None:
    file.stands_still = (1, 2, 3)
    file.look()
    before = file.later()
    elsewhere(commit)

    assert file.later(TRUST / 2) == before
    assert file.later(TRUST / 2) != before


def test_where_there_is_no_log_sqlite_is_asked_each_time(
    file: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "_log", f"{log()}-elsewhere")
    for _ in range(10):
        file.later(TRUST / 20)

    assert file.asked == 10


def test_a_version_that_sqlite_could_not_tell_is_asked_for_again(
    file: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise OperationalError("disk I/O error")

    file.look()
    file.later()
    with monkeypatch.context() as patched:
        patched.setattr(file, "_ask", refuse)
        with pytest.raises(OperationalError):
            file.later()
    file.asked = 0

    file.later(0)

    assert file.asked == 1
