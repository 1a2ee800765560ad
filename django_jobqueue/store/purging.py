"""Emptying queues: waiting jobs are cancelled, history is removed."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db.models import Model, QuerySet

from django_jobqueue.core.specs import JobFilter, Purged
from django_jobqueue.core.states import ARCHIVED_STATES, WAITING_STATES, JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job

from .filters import refuse_empty
from .steerable import Note, TellCancelled
from .steering import SteeringStore


class _Part(NamedTuple):
    """The jobs of one table, and what becomes of a batch of them."""

    counter: str  #: the field of Purged
    model: type[Model]
    states: Collection[JobState]
    since: str  #: the column that tells their age
    write: Callable[[list[int]], list[int]]


class PurgingStore(SteeringStore):
    """Batch by batch, as all that operators do; what runs is left to `cancel`."""

    def purge(
        self,
        wanted: JobFilter,
        *,
        older_than: timedelta | None = None,
        limit: int | None = None,
        reason: str = "",
        dry_run: bool = False,
        tell: TellCancelled | None = None,
        note: Note | None = None,
    ) -> Purged:
        refuse_empty(wanted)
        past = None
        if older_than is not None:
            past = self.storable_time(self.database_now() - older_than)
        left, counts = limit, dict[str, int]()
        for part in self._parts(wanted, partial(self.cancel_waiting, reason=reason, tell=tell)):
            rows = self._rows_of(part, wanted, past)
            if dry_run:
                counts[part.counter] = self.counted(rows, wanted, limit=left)
            else:
                counts[part.counter] = self._purge(part, rows, wanted, limit=left, note=note)
            left = None if left is None else left - counts[part.counter]
        return Purged(**counts)

    def _parts(self, wanted: JobFilter, cancel: Callable[[list[int]], list[int]]) -> list[_Part]:
        """History first: it must not meet what was cancelled just now."""
        archived, dead = partial(self.remove, ArchivedJob), partial(self.remove, DeadJob)
        parts = [
            _Part("archived", ArchivedJob, ARCHIVED_STATES, "finished_at", archived),
            _Part("dead", DeadJob, (JobState.DEAD,), "finished_at", dead),
            _Part("cancelled", Job, WAITING_STATES, "created_at", cancel),
        ]
        return [
            part
            for part in parts
            if (wanted.state is None or wanted.state in part.states)
            and (wanted.reason is None or part.model is DeadJob)
        ]

    def _rows_of(self, part: _Part, wanted: JobFilter, past: datetime | None) -> QuerySet[Any]:
        states = [state.value for state in part.states]
        rows = part.model._default_manager.using(self.using).filter(state__in=states)
        if past is not None:
            rows = rows.filter(**{f"{part.since}__lt": past})
        return self.matching(rows, wanted)

    def _purge(
        self,
        part: _Part,
        rows: QuerySet[Any],
        wanted: JobFilter,
        *,
        limit: int | None,
        note: Note | None,
    ) -> int:
        count = 0

        def write(ids: list[int]) -> list[int]:
            nonlocal count
            changed = part.write(ids)
            count += len(changed)
            return changed

        # Final rows locked by somebody are on their way out already. A job that is just being
        # claimed is waited for, and is then none that waits.
        is_final = part.model is not Job
        self.in_batches(rows, wanted, write, limit=limit, skip_locked=is_final, note=note)
        return count
