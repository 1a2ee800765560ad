"""Jobs and workers about which `why` is asked, and what it answers."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django_jobqueue import job, why
from django_jobqueue.core.states import JobState
from django_jobqueue.core.why import Blocker, BlockerKind
from django_jobqueue.models import WorkerRecord
from tests.store.helpers import make_job, register_worker

LATER = datetime(2100, 1, 1, 12, tzinfo=UTC)


@job(name="tests.why.limited", max_running=2, aliases=["tests.why.old"])
def limited() -> None: ...


@job(name="tests.why.local", concurrency=1)
def local() -> None: ...


@job(name="tests.why.paced", rate="2/m")
def paced() -> None: ...


@job(name="tests.why.keyed", concurrency_key="account:{account}", key_limit=1)
def keyed(account: int) -> None: ...


HANDLERS = ["tests.handler", limited.handler.name, "tests.why.old", local.handler.name]
HANDLERS += [paced.handler.name, keyed.handler.name]


def a_worker(**columns: Any) -> UUID:
    """One that serves everything, and knows what is declared here."""
    worker_id = register_worker()
    about = {"queues": [], "handlers": HANDLERS, **columns}
    WorkerRecord.objects.filter(pk=worker_id).update(**about)
    return worker_id


def blockers(row: Any) -> dict[BlockerKind, Blocker]:
    found = why(row.pk).blockers
    assert len({one.kind for one in found}) == len(found)
    return {one.kind: one for one in found}


def only(row: Any) -> Blocker:
    [blocker] = why(row.pk).blockers
    return blocker


def running(**columns: Any) -> Any:
    return make_job(JobState.RUNNING, **columns)
