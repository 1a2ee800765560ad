"""What `why` and those who list workers and limits ask; each read stops, and none locks."""

from collections.abc import Collection, Iterator
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.core.limits import Limit, LimitKind, LimitName
from django_jobqueue.core.snapshots import (
    JobSnapshot,
    LimitSnapshot,
    Pause,
    RunningJob,
    WorkerSnapshot,
)
from django_jobqueue.core.states import JobState, WorkerState
from django_jobqueue.models import ArchivedJob, DeadJob, Job, LimitRecord, QueueRecord, WorkerRecord

from .connected import ConnectedStore
from .reads import literal

#: The order of a claim, and that in which a limit readies what it blocks.
_IN_LINE = ("-priority", "ready_at", "id")


class ExplainingStore(ConnectedStore):
    """Workers and limits are few; of jobs, an index walk that ends at the limit."""

    def pause_of(self, name: str) -> Pause | None:
        lasts = Q(paused_until=None) | Q(paused_until__gt=Now())
        row = QueueRecord.objects.using(self.using).filter(lasts, pk=name).first()
        if row is None or row.paused_at is None:
            return None
        return Pause(
            paused_at=self.aware(row.paused_at),
            until=self.aware_or_none(row.paused_until),
            reason=row.pause_reason,
        )

    def queue_names(self, *, limit: int = COUNT_LIMIT) -> list[str]:
        names = set(self.queues_with_ready_jobs())
        names.update(self._jobs(JobState.RUNNING).values_list("queue", flat=True).distinct())
        names.update(QueueRecord.objects.using(self.using).values_list("name", flat=True)[:limit])
        for rows in (
            self._jobs(JobState.SCHEDULED),
            self._jobs(JobState.BLOCKED),
            ArchivedJob.objects.using(self.using).all(),
            DeadJob.objects.using(self.using).all(),
        ):
            names.update(islice(_queues_of(rows), limit))
        return sorted(names)[:limit]

    def workers(self, *, living: bool = True, limit: int = COUNT_LIMIT) -> list[WorkerSnapshot]:
        rows = self._workers()
        if living:
            rows = rows.filter(state=literal(WorkerState.ALIVE), lease_expires_at__gt=Now())
        return [self._worker(row) for row in rows.order_by("-started_at", "pk")[:limit]]

    def find_worker(self, worker_id: UUID) -> WorkerSnapshot | None:
        row = self._workers().filter(pk=worker_id).first()
        return None if row is None else self._worker(row)

    def _workers(self) -> QuerySet[Any]:
        # The database's clock decides, as it does for reapers.
        return WorkerRecord.objects.using(self.using).annotate(
            lease_holds=Q(lease_expires_at__gt=Now())
        )

    def _worker(self, row: Any) -> WorkerSnapshot:
        state = WorkerState(row.state)
        return WorkerSnapshot(
            id=row.pk,
            host=row.host,
            pid=row.pid,
            version=row.version,
            state=state,
            queues=tuple(row.queues),
            handlers=tuple(row.handlers),
            concurrency=row.concurrency,
            running=row.running,
            started_at=self.aware(row.started_at),
            heartbeat_at=self.aware(row.heartbeat_at),
            lease_expires_at=self.aware(row.lease_expires_at),
            stop_requested_at=self.aware_or_none(row.stop_requested_at),
            ended_at=self.aware_or_none(row.ended_at),
            has_lease=state is WorkerState.ALIVE and bool(row.lease_holds),
        )

    def limits(
        self, names: Collection[LimitName] | None = None, *, limit: int = COUNT_LIMIT
    ) -> list[LimitSnapshot]:
        rows = LimitRecord.objects.using(self.using).order_by("kind", "name")
        if names is not None:
            these = (Q(kind=one.kind.value, name=one.name) for one in names)
            rows = rows.filter(reduce(or_, these, Q(pk__in=[])))
        return [self._limit(row) for row in rows[:limit]]

    def _limit(self, row: LimitRecord) -> LimitSnapshot:
        return LimitSnapshot(
            name=LimitName(LimitKind(row.kind), row.name),
            limit=Limit(max_running=row.max_running, rate=row.rate, rate_burst=row.rate_burst),
            set_at=self.aware_or_none(row.set_at),
            next_at=self.aware_or_none(row.next_at),
        )

    def running_jobs(
        self,
        *,
        queue: str,
        handlers: Collection[str] = (),
        key: str | None = None,
        limit: int = COUNT_LIMIT,
    ) -> list[RunningJob]:
        counted = Q(queue=queue) | Q(handler__in=list(handlers))
        if key is not None:
            counted |= Q(concurrency_key=key)
        running = self._jobs(JobState.RUNNING).filter(counted)
        columns = ("id", "queue", "handler", "concurrency_key", "worker_id")
        # Sorted here: asked for an order, a planner might walk the primary key, past the backlog.
        found = [RunningJob(*row) for row in running.values_list(*columns)[:limit]]
        return sorted(found, key=lambda job: job.id)

    def jobs_ahead(self, job: JobSnapshot, *, limit: int = COUNT_LIMIT) -> int:
        if job.state is JobState.READY:
            line = self._jobs(JobState.READY).filter(queue=job.queue)
            # Suspects stand in a line of their own.
            line = line.filter(rescues__gt=0) if job.rescues else line.filter(rescues=0)
        elif job.state is JobState.BLOCKED and job.blocked_by is not None:
            line = self._jobs(JobState.BLOCKED).filter(blocked_by=job.blocked_by)
        else:
            return 0
        ids = list(line.order_by(*_IN_LINE).values_list("id", flat=True)[:limit])
        return ids.index(job.id) if job.id in ids else len(ids)

    def _jobs(self, state: JobState) -> QuerySet[Job]:
        return Job.objects.using(self.using).filter(state=literal(state))


def _queues_of(rows: QuerySet[Any]) -> Iterator[str]:
    """Walk an index from one queue to the next: one entry each, however many rows they have."""
    names = rows.order_by("queue").values_list("queue", flat=True)
    name = names.first()
    while name is not None:
        yield name
        name = names.filter(queue__gt=name).first()
