"""The statements of a claim on PostgreSQL: which one, and with which parameters."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django_jobqueue.core.specs import ClaimedJob, WantedJobs

from . import sql
from .postgresql_arrays import array, array_of_ids, quoted_array
from .sessions import Row, Statement
from .stretches import stretch_parameters


class ClaimStatements:
    """Those of suspects alone, or of everything else."""

    def __init__(self, *, suspects: bool, overtime: timedelta) -> None:
        self._suspects, self._overtime = suspects, overtime

    def claim(
        self,
        worker_id: UUID,
        token: UUID,
        *,
        wanted: Sequence[WantedJobs],
        total: int,
        now: datetime | None = None,
        limited: Sequence[str] | None = None,
    ) -> Statement:
        """Return the claim of what no limit bounds; with `limited`, the names of handlers that have
        a limit, only of what is ahead of the first job under one.
        """
        parameters = {
            **_wanted_parameters(wanted, total, now),
            "worker_id": worker_id,
            "token": token,
            "overtime": self._overtime.total_seconds(),
        }
        if limited is not None:
            parameters["limited"] = quoted_array(limited)
        if by_stretches := _has_watermarks(wanted):
            parameters |= stretch_parameters(wanted)
        text = sql.claim(
            "postgresql",
            suspects=self._suspects,
            by_stretches=by_stretches,
            up_to_limits=limited is not None,
        )
        return text, parameters

    def pick(
        self,
        worker_id: UUID,
        *,
        wanted: Sequence[WantedJobs],
        saturated: Sequence[str],
        total: int,
        now: datetime | None,
    ) -> Statement:
        """Return the pick that goes before a claim within limits."""
        parameters = {
            **_wanted_parameters(wanted, total, now),
            "worker_id": worker_id,
            "saturated": quoted_array(saturated),
        }
        if by_stretches := _has_watermarks(wanted):
            parameters |= stretch_parameters(wanted)
        text = sql.pick("postgresql", suspects=self._suspects, by_stretches=by_stretches)
        return text, parameters

    def claim_picked(
        self, ids: Sequence[int], *, worker_id: UUID, token: UUID, now: datetime | None
    ) -> Statement:
        """Return the claim of jobs that a pick has locked."""
        parameters = {
            "ids": array(ids),
            "worker_id": worker_id,
            "token": token,
            "overtime": self._overtime.total_seconds(),
            "now": now,
        }
        return sql.claim_picked("postgresql"), parameters


def ready_queues(known: Sequence[WantedJobs]) -> Statement:
    """Return the look for queues that have ready jobs; into those that are known, from their
    watermarks on.
    """
    parameters: dict[str, object] = {"known": quoted_array(one.queue for one in known)}
    if known:
        parameters |= stretch_parameters(known)
    return sql.ready_queues("postgresql", by_stretches=bool(known)), parameters


def claimed_of(rows: list[Row], worker_id: UUID, token: UUID) -> list[ClaimedJob]:
    """Return what a claim answered; under whom and under which token, it was told."""
    told: Row = (token, worker_id)
    return [ClaimedJob(*row, *told) for row in rows]


def in_line(jobs: list[ClaimedJob], wanted: Sequence[WantedJobs]) -> list[ClaimedJob]:
    """Return jobs in their order: RETURNING has none, whatever the statement inside says."""
    if len(wanted) == 1:
        jobs.sort(key=lambda job: (-job.priority, job.ready_at, job.id))
    else:
        place = {one.queue: position for position, one in enumerate(wanted)}
        jobs.sort(key=lambda job: (place[job.queue], -job.priority, job.ready_at, job.id))
    return jobs


def _has_watermarks(wanted: Sequence[WantedJobs]) -> bool:
    return any(one.watermarks for one in wanted)


def _wanted_parameters(
    wanted: Sequence[WantedJobs], total: int, now: datetime | None
) -> dict[str, object]:
    return {
        "queues": quoted_array([one.queue for one in wanted]),
        "limits": array_of_ids([one.limit for one in wanted]),
        "total": total,
        "now": now,
    }
