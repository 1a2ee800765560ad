"""Looking: a job wherever it lives, and its runs; and a run's own progress."""

from typing import Any
from uuid import UUID

from django.db.models import CharField, DateTimeField, Field, IntegerField, Model, QuerySet, Value
from django.db.models.functions import Cast

from django_jobqueue.core.snapshots import AttemptSnapshot, JobSnapshot
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import ArchivedJob, AttemptRecord, DeadJob, Job

from .connected import ConnectedStore
from .moving import stored_json

_SNAPSHOT = JobSnapshot.__struct_fields__
_MOMENTS = (*(name for name in _SNAPSHOT if name.endswith("_at")), "slot")
#: Columns that not every job table has.
_NOT_EVERYWHERE: dict[str, "Field[Any, Any]"] = {
    "finished_at": DateTimeField(),
    "reason": CharField(),
    "key_limit": IntegerField(),
    "blocked_by": CharField(),
}
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
        own = {field.name for field in model._meta.fields}
        columns = [name if name in own else _no(name) for name in _SNAPSHOT]
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


def _no(column: str) -> Cast:
    return Cast(Value(None), _NOT_EVERYWHERE[column])
