"""Writing transitions on SQLite: a statement per kind for any number of jobs, under one lock."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from django_jobqueue.core.following import Followed
from django_jobqueue.core.specs import WORKER_DIED, FinishedJob
from django_jobqueue.core.states import ARCHIVED_STATES, JobState

from .connected import Row
from .following import followed_of
from .inserting import bounded_delay
from .limited import LimitedStore

_NAME_LIMIT = 255


class Ending(msgspec.Struct):
    """One claim and what to write for it, as the statements read it from their JSON parameter."""

    id: int
    token: str
    state: JobState
    reason: str | None = None
    keep: bool = True
    result: str | None = None
    error: str | None = None
    attempted_at: str | None = None
    run_at: str | None = None
    delay: float = 0.0
    keeps_place: bool = False
    unreadable: bool = False
    ended: bool = False  #: the run came to its own end, so the job is no suspect any more
    attempt_change: int = 0
    reprocess_change: int = 0
    rescue_change: int = 0
    outcome: str | None = None
    error_type: str = ""
    message: str = ""
    traceback: str = ""
    log: str = "[]"


class SQLiteFinish(LimitedStore):
    """Finish is a move. SQLite has no writable CTEs, so it is two statements of one transaction."""

    def finish_many(self, finished: Sequence[FinishedJob]) -> set[int]:
        if not finished:
            return set()
        return self.write([self._ending_of(done) for done in finished])

    def write(self, endings: Iterable[Ending], *, now: datetime | None = None) -> set[int]:
        """Write each ending whose claim holds; return the ids that were written."""
        # One claim may be reported twice; the first report counts.
        unique = {(one.id, one.token): one for one in reversed(list(endings))}
        with self.writing():
            facts = {job_id: told for job_id, *told in self._on("held", list(unique.values()))}
            held = sorted((one for one in unique.values() if one.id in facts), key=_id)
            awaited, batches = [], set()
            for one in held:
                is_unwanted, has_next, batch_id = facts[one.id]
                if is_unwanted and not one.state.is_final:
                    one.state = JobState.CANCELLED
                    one.outcome = one.outcome or JobState.CANCELLED.value
                if one.state.is_final:
                    awaited += [one.id] if has_next else []
                    batches |= set() if batch_id is None else {batch_id}
            self._write_held(held, now)
            followed = self.follow(awaited, now=now) if awaited else []
            batches |= {one.batch_id for one in followed if one.batch_id is not None}
            if batches:
                self.finish_batches(batches)
        return set(facts)

    def follow(self, ids: Sequence[int], *, now: datetime | None = None) -> list[Followed]:
        with self.writing():
            asked = {"ids": msgspec.json.encode(ids).decode()}
            unwanted: dict[str | None, list[int]] = {}
            for job_id, why in self.statement("follow", asked):
                unwanted.setdefault(why, []).append(job_id)
            going_on = msgspec.json.encode(unwanted.pop(None, [])).decode()
            moment = self.optional_time_text(now)
            rows = self.statement("go_on", {"ids": going_on, "now": moment})
            for why, job_ids in unwanted.items():
                moved = self.archive_waiting(job_ids, why or "")
                rows += [(*facts, JobState.CANCELLED, batch_id) for *facts, batch_id in moved]
        return followed_of(rows)

    def written_under(self, claims: Iterable[tuple[int, UUID]]) -> set[int]:
        asked = msgspec.json.encode([(job_id, token.hex) for job_id, token in claims]).decode()
        return {job_id for (job_id,) in self.statement("written_under", {"claims": asked})}

    def _write_held(self, held: list[Ending], now: datetime | None) -> None:
        """The attempts first: they read the live rows; the removal of what moved last."""
        final = [one for one in held if one.state.is_final]
        archived = [one for one in final if one.state in ARCHIVED_STATES and one.keep]
        self._on("report_attempts", [one for one in held if one.outcome], now=now)
        self._on("archive", archived, now=now)
        self._on("bury", [one for one in final if one.state is JobState.DEAD], now=now)
        self._on("drop", final)
        self._on("reschedule", [one for one in held if not one.state.is_final], now=now)

    def _on(self, name: str, endings: list[Ending], *, now: datetime | None = None) -> list[Row]:
        if not endings:
            return []
        parameters = {
            "rows": msgspec.json.encode(endings).decode(),
            "now": self.optional_time_text(now),
        }
        return self.statement(name, parameters)

    def _ending_of(self, done: FinishedJob) -> Ending:
        transition, report = done.transition, done.transition.report
        ending = Ending(
            id=done.id,
            token=done.job.claim_token.hex,
            state=transition.state,
            reason=transition.reason and transition.reason.value,
            keep=transition.keep,
            result=transition.result,
            error=transition.error,
            attempted_at=self.optional_time_text(done.attempted_at),
            run_at=self.optional_time_text(transition.run_at),
            delay=bounded_delay(transition.delay),
            keeps_place=transition.keeps_place,
            unreadable=done.job.unreadable is not None,
            attempt_change=transition.attempt_change,
            reprocess_change=transition.reprocess_change,
            rescue_change=transition.rescue_change,
            ended=transition.is_own_end,
        )
        if report is not None:
            ending.outcome, ending.error_type = report.outcome, report.error_type[:_NAME_LIMIT]
            ending.message, ending.traceback = report.message, report.traceback
            ending.log = report.log
        return ending

    def optional_time_text(self, moment: datetime | None) -> str | None:
        return None if moment is None else self.time_text(moment)


def given_back(job_id: int, token: str) -> Ending:
    """End a claim under which nothing ran: attempt unspent, place in line kept."""
    return Ending(id=job_id, token=token, state=JobState.READY, attempt_change=-1, keeps_place=True)


def rescued(job_id: int, token: str, *, cause: str) -> Ending:
    """End a claim whose worker died: attempt unspent, rescue counted, to the back of the line."""
    return Ending(
        id=job_id,
        token=token,
        state=JobState.READY,
        attempt_change=-1,
        reprocess_change=1,
        rescue_change=1,
        outcome="rescued",
        error=msgspec.json.encode({"type": WORKER_DIED, "message": cause}).decode(),
        error_type=WORKER_DIED,
        message=cause,
    )


def _id(ending: Ending) -> int:
    return ending.id
