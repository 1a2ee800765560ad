"""Batches: members stored together, and the end that the last of them brings about."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from django.db.models import Count

from django_jobqueue.core.batch_errors import BatchFinished, BatchNotFound
from django_jobqueue.core.batches import BatchSnapshot, EndedBatch, NewBatch
from django_jobqueue.core.following import SweptBatches
from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, BatchRecord, DeadJob, Job

from .batchable import Links
from .following import FollowingStore

_ENDS = ("success", "failure", "finish")


class BatchingStore(FollowingStore):
    """The row of a batch is locked once for all members that one finish ends, and never written
    for them.
    """

    def insert_batch(
        self, new: NewBatch, members: Sequence[Links]
    ) -> tuple[int, list[list[Inserted]]]:
        facts: dict[str, Any] = msgspec.to_builtins(new)
        facts["meta"] = msgspec.json.decode(new.meta)
        with self.writing():
            if new.parent_id is not None:
                self._hold(new.parent_id)
            batch_id: int = BatchRecord.objects.using(self.using).create(**facts).pk
            answers = self._insert_groups(batch_id, members)
            if not any(one.created for answer in answers for one in answer):
                self.notify(self.finish_batches([batch_id]))
        return batch_id, answers

    def insert_members(self, batch_id: int, members: Sequence[Links]) -> list[list[Inserted]]:
        with self.writing():
            self._hold(batch_id)
            return self._insert_groups(batch_id, members)

    def _hold(self, batch_id: int) -> None:
        rows = self.statement("hold_batches", {"ids": _as_json([batch_id])})
        if not rows:
            raise BatchNotFound(batch_id)
        [(_, has_finished)] = rows
        if has_finished:
            raise BatchFinished(batch_id)

    def _insert_groups(self, batch_id: int, members: Sequence[Links]) -> list[list[Inserted]]:
        """Those that wait for none all at once, and the chains one by one."""
        own = [[msgspec.structs.replace(job, batch_id=batch_id) for job in one] for one in members]
        singles = iter(self.insert_many([one[0] for one in own if len(one) == 1]))
        return [[next(singles)] if len(one) == 1 else self.insert_chain(one) for one in own]

    # The end.

    def finish_batches(self, ids: Collection[int]) -> list[str]:
        queues: list[str] = []
        parents: list[int] = []
        with self.claiming():
            open_ids = [one for (one,) in self.run("lock_batches", {"ids": _as_json(ids)})]
            seem_ended = self.run("ended_batches", {"ids": _as_json(open_ids)}) if open_ids else []
            for (batch_id,) in seem_ended:
                # In a later statement than the lock: it sees whatever was committed before that.
                for facts in self.run("batch_facts", {"id": batch_id}):
                    ended = EndedBatch(*facts)
                    queues += self._write_end(ended)
                    parents += [] if ended.parent_id is None else [ended.parent_id]
            if parents:
                queues += self.finish_batches(parents)
        return queues

    def _write_end(self, ended: EndedBatch) -> list[str]:
        due = ended.due()
        jobs = [_job_of(text, ended) for text in due.values()]
        numbers = {name: getattr(ended, name) for name in ("id", "succeeded", "cancelled", "dead")}
        self.run("end_batch", {**numbers, **{end: end in due for end in _ENDS}})
        for job in jobs:
            self.run("insert_one", self.insert_parameters(job, None))
        return [job.queue for job in jobs]

    def sweep_batches(self, *, after: int = 0, limit: int = 500) -> SweptBatches:
        rows = self.run("open_batches", {"after": after, "limit": limit})
        ended = [batch_id for batch_id, is_live in rows if not is_live]
        queues = self.finish_batches(ended) if ended else []
        up_to = rows[-1][0] if len(rows) == limit else 0
        return SweptBatches(queues=tuple(sorted(set(queues))), up_to=up_to)

    def rejoin(self, ids: Sequence[int]) -> None:
        jobs = Job.objects.using(self.using).filter(pk__in=ids)
        batches = {one for one in jobs.values_list("batch_id", flat=True) if one is not None}
        rows = self.statement("hold_batches", {"ids": _as_json(batches)}) if batches else []
        finished = [batch_id for batch_id, has_finished in rows if has_finished]
        if finished:
            BatchRecord.objects.using(self.using).filter(pk__in=finished).update(finished_at=None)

    # Looking.

    def find_batch(self, batch_id: int) -> BatchSnapshot | None:
        row = BatchRecord.objects.using(self.using).filter(pk=batch_id).first()
        if row is None:
            return None
        if row.finished_at is not None:
            numbers = {"succeeded": row.succeeded, "cancelled": row.cancelled, "dead": row.dead}
        else:
            numbers = self._numbers_of(batch_id, discarded=row.discarded)
        return BatchSnapshot(
            id=batch_id,
            parent_id=row.parent_id,
            meta=row.meta,
            created_at=self.aware(row.created_at),
            finished_at=self.aware_or_none(row.finished_at),
            **{"waiting": 0, "running": 0, **numbers},
        )

    def _numbers_of(self, batch_id: int, *, discarded: int) -> dict[str, int]:
        # One statement sees one moment, and at every moment a job is in exactly one table.
        live, archived, dead = (
            model._default_manager.using(self.using)
            .filter(batch_id=batch_id)
            .order_by()
            .values_list("state")
            .annotate(Count("pk"))
            for model in (Job, ArchivedJob, DeadJob)
        )
        states = Counter(dict(live.union(archived, dead, all=True)))
        final = (JobState.SUCCEEDED, JobState.CANCELLED, JobState.DEAD)
        numbers = {state.value: states.pop(state.value, 0) for state in final}
        numbers["dead"] += discarded
        running = states.pop(JobState.RUNNING.value, 0)
        return {**numbers, "running": running, "waiting": states.total()}


def _job_of(text: str, batch: EndedBatch) -> NewJob:
    """The job that was waiting for this end; it belongs to the batch that this one belongs to."""
    job = msgspec.json.decode(text, type=NewJob)
    payload = job.payload
    if job.result_as is not None:
        call = msgspec.json.decode(payload)
        call["kwargs"][job.result_as] = batch.id
        payload = msgspec.json.encode(call).decode()
    batch_id = batch.parent_id if job.batch_id is None else job.batch_id
    return msgspec.structs.replace(job, payload=payload, result_as=None, batch_id=batch_id)


def _as_json(ids: Collection[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()
