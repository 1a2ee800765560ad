"""The numbers of a queue and of the site. Each is an index entry, or a count that stops."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from django_jobqueue.core.health import COUNT_LIMIT, Health, QueueHealth, QueueStats
from django_jobqueue.core.states import JobState, WorkerState
from django_jobqueue.models import ArchivedJob, DeadJob, Job, QueueRecord, WorkerRecord

from .connected import ConnectedStore

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


class NumbersStore(ConnectedStore):
    """Nothing here costs more because the backlog or the history is long, and nothing is locked."""

    def reading(self, *, at_most: timedelta) -> AbstractContextManager[object]:
        return nullcontext()

    def queue_stats(self, name: str) -> QueueStats:
        clock = self.database_now()
        finished = ArchivedJob.objects.using(self.using).filter(
            queue=name, finished_at__gt=self.storable_time(clock - _MINUTE)
        )
        paused = self._paused([name]).first() or QueueRecord(pause_reason="")
        return QueueStats(
            queue=name,
            ready=self._in_state(name, JobState.READY),
            scheduled=self._in_state(name, JobState.SCHEDULED),
            blocked=self._in_state(name, JobState.BLOCKED),
            running=self._in_state(name, JobState.RUNNING),
            dead=_bounded(DeadJob.objects.using(self.using).filter(queue=name), COUNT_LIMIT),
            oldest_wait=self._oldest_waits([name]).get(name, 0.0),
            finished_last_minute=_bounded(finished, COUNT_LIMIT),
            paused_at=self.aware_or_none(paused.paused_at),
            paused_until=self.aware_or_none(paused.paused_until),
            pause_reason=paused.pause_reason,
        )

    def has_due_work(self, queue: str) -> bool:
        [(found,)] = self.statement("has_due_work", {"queue": queue})
        return bool(found)

    def health(self, queues: Sequence[str] = (), *, count_limit: int = COUNT_LIMIT) -> Health:
        clock = self.database_now()
        names = sorted(set(queues)) or self.queues_with_ready_jobs()
        heartbeats = self._heartbeats(set(queues))
        dead = DeadJob.objects.using(self.using).filter(
            finished_at__gt=self.storable_time(clock - _HOUR)
        )
        if queues:
            dead = dead.filter(queue__in=names)
        return Health(
            queues=tuple(self._health_of(names, count_limit)),
            workers=len(heartbeats),
            oldest_heartbeat=None
            if not heartbeats
            else max(0.0, (clock - min(heartbeats)).total_seconds()),
            dead_last_hour=_bounded(dead, count_limit),
            count_limit=count_limit,
        )

    def _health_of(self, queues: Sequence[str], limit: int) -> Iterator[QueueHealth]:
        waits = self._oldest_waits(queues)
        paused = set(self._paused(queues).values_list("pk", flat=True))
        for name in queues:
            yield QueueHealth(
                queue=name,
                ready=self._in_state(name, JobState.READY, limit=limit),
                oldest_wait=waits.get(name, 0.0),
                is_paused=name in paused,
            )

    def _oldest_waits(self, queues: Iterable[str]) -> dict[str, float]:
        """Return for how many seconds the first job of each queue has been ready; queues without
        any are left out.
        """
        asked = msgspec.json.encode(list(queues)).decode()
        rows = self.statement("oldest_ready", {"queues": asked})
        return {queue: max(0.0, seconds or 0.0) for queue, seconds in rows}

    def _in_state(self, queue: str, state: JobState, *, limit: int = COUNT_LIMIT) -> int:
        # One query per queue: as a constant the planner knows how rare its rows are, and as a
        # column of another table it would guess, and now and then read all of them.
        jobs = Job.objects.using(self.using).filter(queue=queue, state=literal(state))
        return _bounded(jobs, limit)

    def _paused(self, queues: Iterable[str]) -> QuerySet[QueueRecord]:
        """A pause whose time is over is none."""
        lasts = Q(paused_until=None) | Q(paused_until__gt=Now())
        records = QueueRecord.objects.using(self.using).filter(pk__in=list(queues))
        return records.filter(lasts, paused_at__isnull=False)

    def _heartbeats(self, queues: set[str]) -> list[datetime]:
        """The last heartbeat of each living worker that serves any of the queues."""
        living = WorkerRecord.objects.using(self.using).filter(
            state=literal(WorkerState.ALIVE), lease_expires_at__gt=Now()
        )
        return [
            self.aware(at)
            for at, served in living.values_list("heartbeat_at", "queues")
            if not queues or not served or queues.intersection(served)
        ]


def _bounded(rows: QuerySet[Any], limit: int) -> int:
    return rows.order_by()[:limit].count()


def literal(state: JobState | WorkerState) -> RawSQL:
    # With a parameter SQLite does not see that a partial index fits.
    return RawSQL(f"'{state.value}'", [])  # noqa: S611 - a word of ours
