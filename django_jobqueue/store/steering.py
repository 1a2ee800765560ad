"""What operators do to jobs, queues and workers; a job that has moved on is left alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Count, F, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Now

from django_jobqueue.core.error_text import storable_text
from django_jobqueue.core.specs import Cancelled, JobFilter
from django_jobqueue.core.states import WAITING_STATES, JobState, WorkerState
from django_jobqueue.models import (
    ArchivedJob,
    AttemptRecord,
    BatchRecord,
    DeadJob,
    Job,
    QueueRecord,
    WorkerRecord,
)
from django_jobqueue.models.base import FinalRecord

from .filters import FilteringStore, refuse_empty
from .limiting import LimitingStore
from .moving import SHARED_COLUMNS, copy_rows, erase, stored_json
from .steerable import Note, TellCancelled

_REASON_LIMIT = 255
_PAUSE = ["paused_at", "paused_until", "pause_reason"]
_WAITING = [state.value for state in WAITING_STATES]


#: Id, handler, queue and batch of a job.
Moved = tuple[int, str, str, int | None]


class SteeringStore(LimitingStore, FilteringStore):
    """Each batch locks its rows first: what is decided of their state holds until it is written."""

    def cancel(
        self,
        wanted: JobFilter,
        *,
        reason: str = "",
        tell: TellCancelled | None = None,
        note: Note | None = None,
    ) -> Cancelled:
        refuse_empty(wanted)
        if wanted.reason is not None:
            return Cancelled()  # only dead letters have one
        jobs = Job.objects.using(self.using)
        cancelled = asked = 0

        def write(ids: list[int]) -> list[int]:
            nonlocal cancelled, asked
            stopped = self.cancel_waiting(ids, reason=reason, tell=tell)
            cancelled += len(stopped)
            running = jobs.filter(pk__in=ids, state=JobState.RUNNING.value)
            asked += running.update(cancel_requested_at=Coalesce("cancel_requested_at", Now()))
            return sorted({*ids, *stopped})

        # Waits for locks: a job that is just being claimed must be asked to stop, not passed over.
        self.in_batches(self.matching(jobs.all(), wanted), wanted, write, note=note)
        return Cancelled(cancelled=cancelled, asked=asked)

    def cancel_waiting(
        self, ids: Sequence[int], *, reason: str, tell: TellCancelled | None
    ) -> list[int]:
        """Cancel those of these locked jobs that wait, and what was to follow them; finish their
        batches; return the ids of all.
        """
        moved = self.archive_waiting(ids, reason)
        followed = self.follow([job_id for job_id, *_ in moved]) if moved else []
        moved += [(one.id, one.handler, one.queue, one.batch_id) for one in followed]
        if tell is not None:
            for job_id, handler, queue, _ in moved:
                tell(job_id, handler, queue)
        if batches := {batch_id for *_, batch_id in moved if batch_id is not None}:
            self.notify(self.finish_batches(batches))
        return [job_id for job_id, *_ in moved]

    def archive_waiting(self, ids: Sequence[int], reason: str) -> list[Moved]:
        """Cancel those of these jobs that do not run."""
        jobs = Job.objects.using(self.using)
        columns: dict[str, str | Combinable] = {
            **SHARED_COLUMNS,
            "id": "id",
            "state": Value(JobState.CANCELLED.value),
            "finished_at": Now(),
        }
        if reason:
            error = {"type": "Cancel", "message": storable_text(reason)}
            text = msgspec.json.encode(error).decode()
            columns["error"] = Coalesce(stored_json(text), F("error"))
        waiting = jobs.filter(pk__in=ids, state__in=_WAITING)
        told = "id, handler, queue, batch_id"
        moved = copy_rows(waiting, into=ArchivedJob, columns=columns, returning=told)
        ids_of_moved = [job_id for job_id, *_ in moved]
        erase(jobs.filter(pk__in=ids_of_moved))
        self.tell_waiters(ids_of_moved)
        return moved

    def run_now(self, wanted: JobFilter, *, note: Note | None = None) -> int:
        refuse_empty(wanted)
        if wanted.reason is not None:
            return 0
        scheduled = Job.objects.using(self.using).filter(state=JobState.SCHEDULED.value)
        count = 0

        def write(ids: list[int]) -> list[int]:
            nonlocal count
            ready = JobState.READY.value
            count += scheduled.filter(pk__in=ids).update(state=ready, ready_at=Now(), run_at=Now())
            return ids

        self.in_batches(self.matching(scheduled, wanted), wanted, write, note=note)
        return count

    def discard_dead(self, wanted: JobFilter, *, note: Note | None = None) -> int:
        refuse_empty(wanted)
        dead = DeadJob.objects.using(self.using)
        count = 0

        def write(ids: list[int]) -> list[int]:
            nonlocal count
            count += len(self.remove(DeadJob, ids))
            return ids

        # Rows locked by somebody are on their way out already: requeued, pruned or discarded.
        rows = self.matching(dead.all(), wanted)
        self.in_batches(rows, wanted, write, skip_locked=True, note=note)
        return count

    def remove(self, model: type[FinalRecord], ids: list[int]) -> list[int]:
        """Delete locked final records and their attempts; return the ids."""
        rows = model._default_manager.using(self.using).filter(pk__in=ids)
        self._discard_from_batches(rows)
        erase(AttemptRecord.objects.using(self.using).filter(job_id__in=ids))
        erase(rows)
        if model is DeadJob:  # what was held for it; nothing waits for an archived job
            self.follow(ids)
        return ids

    def _discard_from_batches(self, records: QuerySet[Any]) -> None:
        """Their batches remember them: without their records they would not have failed."""
        failed = records.filter(batch_id__isnull=False).exclude(state=JobState.SUCCEEDED.value)
        for batch_id, count in failed.order_by().values_list("batch_id").annotate(Count("pk")):
            batch = BatchRecord.objects.using(self.using).filter(pk=batch_id)
            batch.update(discarded=F("discarded") + count)

    # Queues and workers.

    def pause_queue(
        self, name: str, *, reason: str = "", until: datetime | None = None
    ) -> Mapping[str, Any]:
        paused = QueueRecord(
            name=name,
            paused_at=Now(),
            paused_until=None if until is None else self.storable_time(until),
            pause_reason=storable_text(reason)[:_REASON_LIMIT],
        )
        with self.writing():
            before = self.settings_before(name, _PAUSE)
            QueueRecord.objects.using(self.using).bulk_create(
                [paused], update_conflicts=True, unique_fields=["name"], update_fields=_PAUSE
            )
        return before

    def resume_queue(self, name: str) -> Mapping[str, Any] | None:
        with self.writing():
            before = self.settings_before(name, _PAUSE)
            if before["paused_at"] is None:
                return None
            rows = QueueRecord.objects.using(self.using).filter(name=name)
            rows.update(paused_at=None, paused_until=None, pause_reason="")
        return before

    def request_worker_stop(self, worker_id: UUID) -> bool:
        alive = WorkerRecord.objects.using(self.using).filter(
            pk=worker_id, state=WorkerState.ALIVE.value
        )
        with self.one_write():
            return alive.update(stop_requested_at=Coalesce("stop_requested_at", Now())) > 0
