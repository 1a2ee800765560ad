"""`manage.py jobqueue flush-spool`, in this process."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError
from django.test import override_settings

from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.specs import FinishedJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.flushing import BATCH
from django_jobqueue.models import ArchivedJob, Job
from django_jobqueue.store import store_for
from django_jobqueue.store.spool import Entry, Kind, Spool
from django_jobqueue.worker.leaving import Leaving
from tests.handlers import add
from tests.outage import database_away
from tests.store.helpers import claimed
from tests.worker.site import COMMITTED

from .test_jobqueue import jobqueue

pytestmark = COMMITTED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def spool_some(folder: Path, *, enqueues: int = 0, outcomes: int = 0, bad: int = 0) -> None:
    spool, now = Spool(folder, using="default"), SystemClock().now()
    for _ in range(outcomes):
        done = FinishedJob(claimed(store_for("default")), Transition(state=JobState.SUCCEEDED))
        Leaving(spool, events=EventBus()).leave([done])
    with override_settings(JOBQUEUE={"SPOOL": folder}), database_away(folder.parent):
        for number in range(enqueues):
            add.enqueue(number)
    for _ in range(bad):
        spool.add([Entry(receipt=uuid4(), kind=Kind.JOBS, spooled_at=now, content="secret")])


def flush(folder: Path | None, *arguments: str) -> tuple[int, str]:
    with override_settings(JOBQUEUE={"SPOOL": folder}):
        return jobqueue("flush-spool", *arguments)


def test_all_that_waits_is_written_and_counted(folder: Path):
    spool_some(folder, enqueues=BATCH + 1, outcomes=2)

    assert flush(folder) == (
        0,
        f"enqueues: {BATCH + 1} stored, 0 stored earlier, 0 given up for a unique key\n"
        "outcomes: 2 written, 0 of them stale\n",
    )
    assert (Job.objects.count(), ArchivedJob.objects.count()) == (BATCH + 1, 2)


def test_nothing_to_do_is_well(folder: Path):
    status, printed = flush(folder)

    assert (status, printed.splitlines()[0].split(",")[0]) == (0, "enqueues: 0 stored")
    assert not folder.exists()


def test_what_was_set_aside_is_told_by_the_status_each_time_without_its_arguments(folder: Path):
    spool_some(folder, enqueues=1, bad=1)

    for stored in (1, 0):
        status, printed = flush(folder)
        assert (status, printed.startswith(f"enqueues: {stored} stored")) == (1, True)
        [told] = [line for line in printed.splitlines() if line.startswith("set aside: jobs ")]
        assert "DecodeError" in told
        assert "secret" not in told


def test_the_same_as_json(folder: Path):
    spool_some(folder, enqueues=1, bad=1)

    status, printed = flush(folder, "--format", "json")
    told = json.loads(printed)

    assert status == 1
    assert told["jobs"] == {"stored": 1, "stored_earlier": 0, "conflicts": 0, "refused": 1}
    assert told["outcomes"] == {"written": 0, "stale": 0, "refused": 0}
    [entry] = told["set_aside"]
    assert set(entry) == {"receipt", "kind", "spooled_at", "why"}


def test_what_was_set_aside_can_be_tried_again_and_given_up(folder: Path):
    spool_some(folder, enqueues=1, bad=1)
    spool = Spool(folder, using="default")
    [good, bad] = spool.waiting(Kind.JOBS, limit=10)
    spool.refuse(good.receipt, why="by mistake")
    flush(folder)
    assert Job.objects.count() == 0

    assert flush(folder, "--retry")[0] == 1
    assert Job.objects.count() == 1
    assert flush(folder, "--discard", str(bad.receipt))[0] == 0
    assert spool.set_aside() == []


def test_what_waits_is_not_discarded_by_mistake(folder: Path):
    spool_some(folder, enqueues=1)
    [entry] = Spool(folder, using="default").waiting(Kind.JOBS, limit=10)

    with pytest.raises(CommandError, match="nothing was set aside") as refused:
        flush(folder, "--discard", str(entry.receipt))

    assert refused.value.returncode == 2
    assert len(Spool(folder, using="default").waiting(Kind.JOBS, limit=10)) == 1


def test_a_site_without_a_spool_is_told(folder: Path):
    with pytest.raises(CommandError, match="names no directory") as refused:
        flush(None)

    assert refused.value.returncode == 2


def test_a_damaged_spool_is_named(folder: Path):
    folder.mkdir()
    (folder / "default.sqlite3").write_bytes(b"not a database" * 100)

    with pytest.raises(CommandError, match=r"sqlite3 cannot be used") as refused:
        flush(folder)

    assert refused.value.returncode == 2


def test_while_the_database_is_away_nothing_is_lost(folder: Path):
    spool_some(folder, enqueues=1)

    with database_away(folder.parent), pytest.raises(CommandError) as refused:
        flush(folder)

    assert refused.value.returncode == 3
    assert len(Spool(folder, using="default").waiting(Kind.JOBS, limit=10)) == 1


@pytest.mark.parametrize("wrong", ["x", "123"])
def test_a_receipt_that_is_none_is_refused(folder: Path, wrong: str):
    with pytest.raises(CommandError, match="--discard"):
        flush(folder, "--discard", wrong)
