"""From final records back to live jobs."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    Exists,
    F,
    OuterRef,
    Value,
    When,
)
from django.db.models.functions import Now

from django_jobqueue.core.specs import Edited, JobFilter
from django_jobqueue.core.states import ARCHIVED_STATES, JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job
from django_jobqueue.models.base import FinalRecord

from .filters import FilteringStore, refuse_empty
from .moving import SHARED_COLUMNS, Columns, copy_rows, erase, stored_json
from .steerable import Note

#: Makes live jobs of final records; answers final id → live id, without those refused.
BringBack = Callable[[list[int], Columns], dict[int, int]]

#: What belongs to the runs that are over; a requeued job gets these from the database's defaults.
_OF_PAST_RUNS = frozenset(
    {
        "run_at",
        "ready_at",
        "attempt",
        "reprocess_count",
        "rescues",
        "claim_token",
        "worker_id",
        "claimed_at",
        "attempted_at",
        "deadline_at",
        "cancel_requested_at",
        "expires_at",
        "waits_for",
        "result",
        "error",
        "progress",
        "checkpoints",
    }
)
_REQUEUED: Columns = {
    **{name: name for name in SHARED_COLUMNS if name not in _OF_PAST_RUNS},
    "requeued_from": F("id"),
}
#: Under its own id, so that its attempts stay with it.
_MOVED: Columns = {
    **_REQUEUED,
    "id": "id",
    "has_next": Exists(Job._default_manager.filter(waits_for=OuterRef("pk"))),
}
#: A new job beside its record: it is as old as this moment.
_COPIED: Columns = {name: source for name, source in _REQUEUED.items() if name != "created_at"}


class RequeueingStore(FilteringStore):
    """Dead letters move, for they are not done; archived jobs are, and are copied."""

    def requeue(
        self,
        wanted: JobFilter,
        *,
        limit: int | None = None,
        spacing: float = 0.0,
        edited: Edited | None = None,
        note: Note | None = None,
    ) -> tuple[list[int], list[int]]:
        refuse_empty(wanted)
        live: list[int] = []
        refused: list[int] = []
        edits = {} if edited is None else _columns_of(edited)

        def write(bring_back: BringBack, ids: list[int]) -> list[int]:
            requeued = bring_back(ids, edits)
            back = [requeued[one] for one in ids if one in requeued]
            if spacing:
                self._spread(back, after=len(live), spacing=spacing)
            live.extend(back)
            refused.extend(one for one in ids if one not in requeued)
            return [one for one in ids if one in requeued]

        for source, bring_back in self._sources(wanted):
            rows = self.matching(source._default_manager.using(self.using).all(), wanted)
            left = None if limit is None else limit - len(live)
            # Rows locked by somebody are being requeued or removed already.
            batch = partial(write, bring_back)
            self.in_batches(rows, wanted, batch, limit=left, skip_locked=True, note=note)
        return live, refused

    def _spread(self, ids: list[int], *, after: int, spacing: float) -> None:
        """Schedule jobs that were just made ready, in the transaction that made them."""
        waits = {
            job_id: timedelta(seconds=(after + place) * spacing)
            for place, job_id in enumerate(ids)
            if after + place
        }
        whens = [When(pk=one, then=Now() + Value(wait)) for one, wait in waits.items()]
        if whens:
            due = Case(*whens, output_field=DateTimeField())
            later = Job.objects.using(self.using).filter(pk__in=waits)
            later.update(state=JobState.SCHEDULED.value, run_at=due)

    def _sources(self, wanted: JobFilter) -> list[tuple[type[FinalRecord], BringBack]]:
        dead: tuple[type[FinalRecord], BringBack] = (DeadJob, self._move_back)
        archive: tuple[type[FinalRecord], BringBack] = (ArchivedJob, self._copy_back)
        if wanted.reason is not None:
            return [dead]
        if wanted.state is not None:
            return [archive] if wanted.state in ARCHIVED_STATES else [dead]
        return [dead] if wanted.ids is None else [dead, archive]

    def _move_back(self, ids: list[int], edits: Columns) -> dict[int, int]:
        dead = DeadJob.objects.using(self.using).filter(pk__in=ids)
        moved = copy_rows(
            dead.order_by("id"),
            into=Job,
            columns={**_MOVED, **edits},
            returning="id, id",
            unless_conflict="unique_key",
        )
        back = [job_id for job_id, _ in moved]
        erase(dead.filter(pk__in=back))
        self.rejoin(back)
        return dict(moved)

    def _copy_back(self, ids: list[int], edits: Columns) -> dict[int, int]:
        archived = ArchivedJob.objects.using(self.using).filter(pk__in=ids)
        copied = copy_rows(
            archived.order_by("id"),
            into=Job,
            columns={**_COPIED, **edits},
            returning="requeued_from, id",
            unless_conflict="unique_key",
        )
        self._hold_for(dict(copied))
        # The copy takes the place of its original among the members of a batch.
        members = archived.filter(pk__in=dict(copied), batch_id__isnull=False)
        members.update(batch_id=None)
        self.rejoin([job_id for _, job_id in copied])
        return dict(copied)

    def _hold_for(self, copies: dict[int, int]) -> None:
        """Let those wait for the copy that held when its original was cancelled."""
        jobs = Job.objects.using(self.using)
        held = jobs.filter(
            state=JobState.BLOCKED.value, blocked_by__isnull=True, waits_for__in=copies
        )
        for original in set(held.values_list("waits_for", flat=True)):
            copy = copies[original or 0]
            held.filter(waits_for=original).update(waits_for=copy)
            jobs.filter(pk=copy).update(has_next=True)


def _columns_of(edited: Edited) -> Columns:
    return {
        "payload": stored_json(edited.payload),
        "fingerprint": Value(edited.fingerprint),
        "unique_key": Value(edited.unique_key, output_field=CharField()),
    }
