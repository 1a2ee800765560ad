"""Writing transitions on SQLite: a statement per kind for any number of jobs, under one lock."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec

from django_jobqueue.core.following import Followed
from django_jobqueue.core.specs import WORKER_DIED, FinishedJob
from django_jobqueue.core.states import ARCHIVED_STATES, JobState
from django_jobqueue.core.transitions import SUCCEEDED

from . import sql
from .following import followed_of
from .inserting import bounded_delay
from .limited import LimitedStore

_NAME_LIMIT = 255
#: A job's id and the token of its claim.
Claim = tuple[int, str]
#: What `held` says of most jobs: none waits for it, and it is in no batch.
_CONCERNS_NOBODY = [0, None]


class Ending(msgspec.Struct, omit_defaults=True, gc=False):
    """One claim and what to write for it, as the statements read it from their JSON parameter, in
    which what is left at its default is missing.
    """

    id: int
    token: str
    state: JobState
    reason: str | None = None
    keep: bool = True
    result: str | None = None
    error: str | None = None
    attempted_at: datetime | None = None  #: in UTC
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
        with self.writing():
            return self.finish_held(finished)

    def finish_held(self, finished: Sequence[FinishedJob]) -> set[int]:
        """As `finish_many`, under the lock that is held: a savepoint copies every page it sees."""
        reports = _by_claim(finished)
        usual = {claim: done for claim, done in reports.items() if done.transition == SUCCEEDED}
        moved = self._archive_usual(usual) if usual else ()
        for claim in moved:
            del reports[claim]
        written = self._write([self._ending_of(done) for done in reports.values()])
        return written.union([job_id for job_id, _ in moved])

    def _archive_usual(self, usual: Mapping[Claim, FinishedJob]) -> Collection[Claim]:
        """Move these jobs that have just succeeded, and return their claims: not those that do not
        hold, nor those of jobs whose end others must hear of.
        """
        times: dict[str, dict[int, datetime | None]] = defaultdict(dict)
        for job_id, token in sorted(usual):
            times[token][job_id] = _in_utc(usual[job_id, token].attempted_at)
        moved: Collection[Claim] = usual
        asked = msgspec.json.encode(times, enc_hook=_moment_text).decode()
        if self._changed("archive_usual", {"claims": asked}) < len(usual):
            held = self._that_hold(usual).items()
            moved = [claim for claim, (_, *facts) in held if facts == _CONCERNS_NOBODY]
        self.statement("drop", {"claims": _by_token(moved)})
        return moved

    def _changed(self, name: str, parameters: Mapping[str, Any]) -> int:
        """Run the statement of that name; return how many rows it has changed."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql.load("sqlite", name), parameters)
            return int(cursor.rowcount)

    def write(self, endings: Iterable[Ending], *, now: datetime | None = None) -> set[int]:
        """Write each ending whose claim holds; return the ids that were written."""
        with self.writing():
            return self._write(list(endings), now)

    def _write(self, endings: list[Ending], now: datetime | None = None) -> set[int]:
        if not endings:
            return set()
        # One claim may be reported twice; the first report counts.
        unique = {(one.id, one.token): one for one in reversed(endings)}
        facts = self._that_hold(unique)
        held = sorted((unique[claim] for claim in facts), key=attrgetter("id"))
        awaited, batches = [], set()
        for one in held:
            is_unwanted, has_next, batch_id = facts[one.id, one.token]
            if not (is_unwanted or has_next or batch_id is not None):
                continue
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
        return {one.id for one in held}

    def _that_hold(self, claims: Iterable[Claim]) -> dict[Claim, list[Any]]:
        """Return of those that hold: is it unwanted, does another wait for it, and its batch."""
        [(text,)] = self.statement("held", {"claims": _by_token(claims)})
        return {(job_id, token): told for job_id, token, *told in msgspec.json.decode(text)}

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
        if final:
            self.statement("drop", {"claims": _by_token((one.id, one.token) for one in final)})
        self._on("reschedule", [one for one in held if not one.state.is_final], now=now)

    def _on(self, name: str, endings: list[Ending], *, now: datetime | None = None) -> None:
        if endings:
            rows = msgspec.json.encode(endings, enc_hook=_moment_text).decode()
            self.statement(name, {"rows": rows, "now": self.optional_time_text(now)})

    def _ending_of(self, done: FinishedJob) -> Ending:
        transition = done.transition
        ending = Ending(
            id=done.job.id,
            token=done.job.claim_token.hex,
            state=transition.state,
            keep=transition.keep,
            result=transition.result,
            error=transition.error,
            attempted_at=_in_utc(done.attempted_at),
            attempt_change=transition.attempt_change,
        )
        if transition.state is not JobState.SUCCEEDED:
            self._add_what_else_ends(ending, done)
        if (report := transition.report) is not None:
            ending.outcome, ending.error_type = report.outcome, report.error_type[:_NAME_LIMIT]
            ending.message, ending.traceback = report.message, report.traceback
            ending.log = report.log
        return ending

    def _add_what_else_ends(self, ending: Ending, done: FinishedJob) -> None:
        """Add what no success has."""
        transition = done.transition
        ending.reason = transition.reason and transition.reason.value
        ending.run_at = self.optional_time_text(transition.run_at)
        ending.delay = bounded_delay(transition.delay)
        ending.keeps_place = transition.keeps_place
        ending.unreadable = done.job.unreadable is not None
        ending.reprocess_change = transition.reprocess_change
        ending.rescue_change = transition.rescue_change
        ending.ended = transition.is_own_end

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


def _by_claim(finished: Sequence[FinishedJob]) -> dict[Claim, FinishedJob]:
    """Return the first report of each claim."""
    reports: dict[Claim, FinishedJob] = {}
    token, text = None, ""
    for done in finished:
        if done.job.claim_token is not token:  # the jobs of a claim share one
            token = done.job.claim_token
            text = token.hex
        reports.setdefault((done.id, text), done)
    return reports


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo is UTC else moment.astimezone(UTC)


def _by_token(claims: Iterable[Claim]) -> str:
    """Claims as the statements read them; there are few tokens, and jobs in a list are numbers."""
    ids: dict[str, list[int]] = defaultdict(list)
    for job_id, token in claims:
        ids[token].append(job_id)
    return msgspec.json.encode(ids).decode()


def _moment_text(moment: datetime) -> str:
    # As msgspec does, which knows nothing of the moments of a frozen clock.
    return moment.isoformat().replace("+00:00", "Z")
