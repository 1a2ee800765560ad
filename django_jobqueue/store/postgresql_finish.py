"""Writing transitions on PostgreSQL: three kinds, each one statement for any number of jobs."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter

import msgspec

from django_jobqueue.core.specs import AttemptReport, FinishedJob, Transition
from django_jobqueue.core.states import ARCHIVED_STATES, JobState
from django_jobqueue.core.transitions import SUCCEEDED

from . import sql
from .following import followed_of
from .inserting import bounded_delay
from .postgresql_arrays import (
    array,
    array_of_ids,
    array_of_moments,
    array_of_tokens,
    quoted_array,
)
from .sessions import Row, Session, Statement

NO_REPORTS = "[]"
Writer = Callable[[Sequence[FinishedJob]], Statement]
#: What the archive is told of each job beyond a plain success.
_UNSAID = ("states", "keeps", "results", "errors", "attempt_changes")


class Settlement:
    """One batch of finished jobs on its way into the database."""

    def __init__(self, session: Session) -> None:
        self.session = session
        #: The queues of what waited for these jobs, and is ready now.
        self.queues: set[str] = set()
        #: The batches of the jobs that have ended, by themselves or because of others.
        self.batches: set[int] = set()

    def write(self, finished: Sequence[FinishedJob]) -> set[int]:
        """Write every transition whose claim holds, as one transaction; return the ids that were
        written.
        """
        return self.settle_rest(finished, self.session.together(self.statements(finished)))

    def statements(self, finished: Sequence[FinishedJob]) -> list[Statement]:
        """Return the statements for the batch; each answers with the ids that held."""
        # Sorted, so that two batches lock shared rows in one order.
        in_order = sorted(_first_of_each(finished), key=attrgetter("job.id"))
        statements = [write(group) for write, group in _by_writer(in_order)]
        awaited = _awaited(finished)
        return [*statements, following(awaited)] if awaited else statements

    def settle_rest(self, finished: Sequence[FinishedJob], answers: list[list[Row]]) -> set[int]:
        """Return the ids that held; a job that was to live on but was asked to stop is cancelled
        here.
        """
        if _awaited(finished):
            self._follow(answers.pop())
        held = {row[0] for rows in answers for row in rows}
        for done in finished:
            batch_id = done.job.batch_id
            if batch_id is not None and done.id in held and done.transition.state.is_final:
                self.batches.add(batch_id)
        if len(held) == len(finished):
            return held
        left = [
            _cancelled(done)
            for done in finished
            if done.id not in held and not done.transition.state.is_final
        ]
        return held | self.write(left) if left else held

    def archive_cancelled(self, claims: Sequence[Row]) -> set[int]:
        """Move the (id, token) claims that still hold to the archive as cancelled."""
        if not claims:
            return set()
        claims = sorted(claims)
        reports = [
            {**_EMPTY_REPORT, "id": job_id, "outcome": JobState.CANCELLED.value}
            for job_id, _ in claims
        ]
        ids = [job_id for job_id, _ in claims]
        members = self.session.rows(sql.load("postgresql", "batches_of"), {"ids": array(ids)})
        self.batches |= {batch_id for (batch_id,) in members}
        archive = {
            "ids": array(ids),
            "tokens": array(token for _, token in claims),
            "states": quoted_array([JobState.CANCELLED.value] * len(claims)),
            "keeps": None,
            "results": None,
            "errors": None,
            "attempted": None,
            "attempt_changes": array([-1] * len(claims)),
            "reports": msgspec.json.encode(reports).decode(),
        }
        # Rare enough not to ask first whether anybody waits for them.
        statements = [(sql.load("postgresql", "archive"), archive), following(ids)]
        written, followed = self.session.together(statements)
        self._follow(followed)
        return {row[0] for row in written}

    def _follow(self, answer: list[Row]) -> None:
        followed = followed_of(answer)
        self.queues |= {one.queue for one in followed if one.state is JobState.READY}
        self.batches |= {
            one.batch_id
            for one in followed
            if one.batch_id is not None and one.state is JobState.CANCELLED
        }


def following(ids: Iterable[int], *, now: datetime | None = None) -> Statement:
    """Return the statement that lets those go on, or cancels them, that wait for these jobs."""
    return sql.load("postgresql", "follow"), {"ids": array(ids), "now": now}


def _first_of_each(finished: Sequence[FinishedJob]) -> Iterable[FinishedJob]:
    """The first report of each claim; which of two a statement takes, its plan would decide."""
    if len({done.job.id for done in finished}) == len(finished):
        return finished
    by_claim = {(done.job.id, done.job.claim_token): done for done in reversed(finished)}
    return by_claim.values()


def _awaited(finished: Sequence[FinishedJob]) -> list[int]:
    return [done.id for done in finished if done.job.has_next and done.transition.state.is_final]


_EMPTY_REPORT: dict[str, object] = {"error_type": "", "message": "", "traceback": "", "log": []}


def _cancelled(done: FinishedJob) -> FinishedJob:
    """The same run, its error and report kept, of a job that was asked to stop."""
    report = done.transition.report or AttemptReport(outcome=JobState.CANCELLED.value)
    transition = msgspec.structs.replace(done.transition, state=JobState.CANCELLED, report=report)
    return FinishedJob(done.job, transition, done.attempted_at)


def _by_writer(finished: Sequence[FinishedJob]) -> Iterable[tuple[Writer, Sequence[FinishedJob]]]:
    if all(done.transition is SUCCEEDED for done in finished):
        return [(_archive_successes, finished)] if finished else []
    groups: dict[Writer, list[FinishedJob]] = {}
    for done in finished:
        groups.setdefault(_writer_of(done.transition.state), []).append(done)
    return groups.items()


def _writer_of(state: JobState) -> Writer:
    if state in ARCHIVED_STATES:
        return _archive
    return _bury if state is JobState.DEAD else _reschedule


def _archive_successes(group: Sequence[FinishedJob]) -> Statement:
    """The usual case: of all that could be said about each job there is only when it began."""
    facts = {**_claims_of(group), **dict.fromkeys(_UNSAID), "reports": NO_REPORTS}
    return sql.load("postgresql", "archive"), facts


def _archive(group: Sequence[FinishedJob]) -> Statement:
    transitions = [done.transition for done in group]
    plain = all(transition.state is JobState.SUCCEEDED for transition in transitions)
    return sql.load("postgresql", "archive"), {
        **_fence_of(group),
        "states": None
        if plain
        else quoted_array(transition.state.value for transition in transitions),
        "keeps": None
        if all(one.keep for one in transitions)
        else array(one.keep for one in transitions),
        "results": _texts_or_none([transition.result for transition in transitions]),
        "attempt_changes": _changes_or_none(transitions),
    }


def _bury(group: Sequence[FinishedJob]) -> Statement:
    reasons = quoted_array(
        done.transition.reason and done.transition.reason.value for done in group
    )
    unreadable = [done.job.unreadable is not None for done in group]
    return sql.load("postgresql", "bury"), {
        **_fence_of(group),
        "reasons": reasons,
        "attempt_changes": _changes_or_none([done.transition for done in group]),
        "unreadable": array(unreadable) if any(unreadable) else None,
    }


def _reschedule(group: Sequence[FinishedJob]) -> Statement:
    transitions = [done.transition for done in group]
    return sql.load("postgresql", "reschedule"), {
        **_fence_of(group),
        "delays": array(bounded_delay(transition.delay) for transition in transitions),
        "run_ats": array(transition.run_at for transition in transitions),
        "keeps_place": array(transition.keeps_place for transition in transitions),
        "ended": array(one.is_own_end for one in transitions),
        "attempt_changes": array(transition.attempt_change for transition in transitions),
        "reprocess_changes": array(transition.reprocess_change for transition in transitions),
        "rescue_changes": array(transition.rescue_change for transition in transitions),
    }


def _claims_of(group: Sequence[FinishedJob]) -> dict[str, object]:
    return {
        "ids": array_of_ids([done.job.id for done in group]),
        "tokens": array_of_tokens([done.job.claim_token for done in group]),
        "attempted": array_of_moments([done.attempted_at for done in group]),
    }


def _fence_of(group: Sequence[FinishedJob]) -> dict[str, object]:
    """The parameters that all three statements share."""
    return {
        **_claims_of(group),
        "errors": _texts_or_none([done.transition.error for done in group]),
        "reports": _reports_of(group),
    }


def _changes_or_none(transitions: Sequence[Transition]) -> str | None:
    changes = [transition.attempt_change for transition in transitions]
    return array(changes) if any(changes) else None


def _texts_or_none(texts: Sequence[str | None]) -> str | None:
    """Unnest fills a NULL array up with NULLs: the usual case costs nothing."""
    return quoted_array(texts) if any(text is not None for text in texts) else None


def _reports_of(group: Sequence[FinishedJob]) -> str:
    reports = [
        {
            "id": done.id,
            "worker_id": done.job.worker_id,
            "outcome": report.outcome,
            "error_type": report.error_type,
            "message": report.message,
            "traceback": report.traceback,
            "log": msgspec.Raw(report.log.encode()),
        }
        for done in group
        if (report := done.transition.report) is not None
    ]
    return msgspec.json.encode(reports).decode() if reports else NO_REPORTS
