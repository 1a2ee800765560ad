"""Looking: a job wherever it lives, its runs, the numbers of a queue; and a run's own progress."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import CharField, Count, DateTimeField, Min, Model, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from django_jobqueue.core.specs import AttemptSnapshot, JobSnapshot, QueueStats
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import ArchivedJob, AttemptRecord, DeadJob, Job, QueueRecord

from .connected import ConnectedStore
from .filters import BATCH
from .moving import stored_json

#: Where the count of a queue's dead letters stops: history is not walked to the end for a number.
DEAD_COUNT_LIMIT = 10_000
_SNAPSHOT = JobSnapshot.__struct_fields__
_MOMENTS = tuple(name for name in _SNAPSHOT if name.endswith("_at"))
_ATTEMPT = AttemptSnapshot.__struct_fields__


class LookingStore(ConnectedStore):
    """Nothing here counts history, and nothing is locked."""

    def find(self, job_id: int) -> JobSnapshot | None:
        # One statement sees one moment, and at every moment a job is in exactly one table.
        live, archived, dead = (
            self._snapshots_of(model, job_id) for model in (Job, ArchivedJob, DeadJob)
        )
        found = list(live.union(archived, dead, all=True))
        if not found:
            return None
        facts: dict[str, Any] = dict(zip(_SNAPSHOT, found[0], strict=True))
        for name in _MOMENTS:
            facts[name] = self.aware_or_none(facts[name])
        facts["state"] = JobState(facts["state"])
        facts["reason"] = facts["reason"] and DeathReason(facts["reason"])
        return JobSnapshot(**facts)

    def _snapshots_of(self, model: type[Model], job_id: int) -> QuerySet[Any, Any]:
        missing = {
            "finished_at": Cast(Value(None), DateTimeField()),
            "reason": Cast(Value(None), CharField()),
        }
        own = {field.name for field in model._meta.fields}
        columns = [name if name in own else missing[name] for name in _SNAPSHOT]
        rows = model._default_manager.using(self.using).filter(pk=job_id)
        return rows.values_list(*columns)

    def attempts_of(self, job_id: int) -> list[AttemptSnapshot]:
        rows = AttemptRecord.objects.using(self.using).filter(job_id=job_id).order_by("id")
        found = []
        for row in rows.values(*_ATTEMPT):
            row["started_at"] = self.aware_or_none(row["started_at"])
            row["ended_at"] = self.aware(row["ended_at"])
            found.append(AttemptSnapshot(**row))
        return found

    def written_under(self, claims: Iterable[tuple[int, UUID]]) -> set[int]:
        asked = dict(claims)
        ids = sorted(asked)
        written = set()
        for start in range(0, len(ids), BATCH):
            for final in (ArchivedJob, DeadJob):
                rows = final._default_manager.using(self.using).filter(
                    pk__in=ids[start : start + BATCH]
                )
                for job_id, token in rows.values_list("id", "claim_token"):
                    if token == asked[job_id]:
                        written.add(job_id)
        return written

    def save_progress(
        self,
        job_id: int,
        token: UUID,
        *,
        progress: str | None = None,
        checkpoints: str | None = None,
    ) -> bool:
        texts = {"progress": progress, "checkpoints": checkpoints}
        changes = {name: stored_json(text) for name, text in texts.items() if text is not None}
        held = Job.objects.using(self.using).filter(pk=job_id, claim_token=token)
        if not changes:
            return held.exists()
        with self.one_write():
            return held.update(**changes) > 0

    def queue_stats(self, name: str) -> QueueStats:
        clock = self.database_now()
        ready = self._in_line(name, JobState.READY).aggregate(
            count=Count("id"), oldest=Min("ready_at")
        )
        oldest = self.aware_or_none(ready["oldest"]) or clock
        dead = DeadJob.objects.using(self.using).filter(queue=name)
        finished = ArchivedJob.objects.using(self.using).filter(
            queue=name, finished_at__gt=self.storable_time(clock - timedelta(minutes=1))
        )
        paused_at, paused_until, pause_reason = self._pause_of(name, clock)
        return QueueStats(
            queue=name,
            ready=ready["count"],
            scheduled=self._in_line(name, JobState.SCHEDULED).count(),
            blocked=self._in_line(name, JobState.BLOCKED).count(),
            running=self._in_line(name, JobState.RUNNING).count(),
            dead=dead[:DEAD_COUNT_LIMIT].count(),
            oldest_wait=max(0.0, (clock - oldest).total_seconds()),
            finished_last_minute=finished.count(),
            paused_at=paused_at,
            paused_until=paused_until,
            pause_reason=pause_reason,
        )

    def _in_line(self, queue: str, state: JobState) -> QuerySet[Job]:
        # The state as a literal: with a parameter SQLite does not see that a partial index fits.
        literal = RawSQL(f"'{state.value}'", [])  # noqa: S611 - a word of ours
        return Job.objects.using(self.using).filter(queue=queue, state=literal)

    def _pause_of(self, name: str, clock: datetime) -> tuple[datetime | None, datetime | None, str]:
        """A pause whose time is over is none."""
        record = QueueRecord.objects.using(self.using).filter(pk=name).first()
        if record is None or record.paused_at is None:
            return None, None, ""
        until = self.aware_or_none(record.paused_until)
        if until is not None and until <= clock:
            return None, None, ""
        return self.aware(record.paused_at), until, record.pause_reason
