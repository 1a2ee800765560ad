"""What tests of a spool ask of it."""

from typing import Any

from django_jobqueue import JobHandle, conf
from django_jobqueue.jobs.flushing import FlushedJobs, JobFlush
from django_jobqueue.store import store_for
from django_jobqueue.store.spool import Entry, Kind, Spool

Told = list[tuple[str, dict[str, Any]]]


def flush(spool: Spool, **options: Any) -> FlushedJobs:
    return JobFlush(spool, store=store_for("default"), settings=conf.current(), **options).run()


def waiting(spool: Spool) -> list[Entry]:
    return spool.waiting(Kind.JOBS, limit=1_000)


def names(told: Told) -> list[str]:
    return [name for name, _ in told]


def spoil(spool: Spool, handle: JobHandle, content: str) -> None:
    """Change an entry to what another release, or a failing disk, might have written."""
    assert handle.receipt is not None
    spool._change(
        "UPDATE entry SET content = ? WHERE receipt = ?", [(content, str(handle.receipt))]
    )
