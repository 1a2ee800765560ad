"""Why a job is not running: everything that keeps it, each in a sentence. Pure: what is known about
the job was gathered before.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from .clock import moment_text
from .health import counted
from .refusals import Bounds
from .snapshots import JobSnapshot, Pause, WorkerSnapshot
from .states import ARCHIVED_STATES, JobState, WorkerState


class BlockerKind(StrEnum):
    """What keeps a job from running, or that it runs, or has ended."""

    PAUSED = "paused"
    NOT_DUE = "not_due"
    EXPIRED = "expired"
    WAITS_FOR_JOB = "waits_for_job"
    BLOCKED = "blocked"
    LIMIT_FULL = "limit_full"
    RATE = "rate"
    NO_WORKER = "no_worker"
    HANDLER_UNKNOWN = "handler_unknown"
    SUSPECT = "suspect"  #: its worker died while it ran
    BEHIND = "behind"
    RUNNING = "running"
    ASKED_TO_STOP = "asked_to_stop"
    WORKER_GONE = "worker_gone"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    DEAD = "dead"


class Blocker(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that keeps a job, as a sentence without its full stop. `until` is when it ends by
    itself, where that is known; `error` is what the last failure of the job said.
    """

    kind: BlockerKind
    told: str
    until: datetime | None = None
    error: str = ""


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job stood at `asked_at`, and all that keeps it from running; no `blockers` if nothing
    does.
    """

    job_id: int
    state: JobState
    handler: str
    queue: str
    asked_at: datetime
    blockers: tuple[Blocker, ...]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a job. `handler` is the name by which workers must know it, `workers` are
    those that are alive by their lease; `owner` is the worker that runs it, `waited_for` the job it
    waits for. `ahead` counts up to `core.health.COUNT_LIMIT`.
    """

    job: JobSnapshot
    now: datetime
    handler: str = ""
    workers: Sequence[WorkerSnapshot] = ()
    owner: WorkerSnapshot | None = None
    pause: Pause | None = None
    bounds: Bounds = Bounds()
    waited_for: JobSnapshot | None = None
    ahead: int = 0

    @property
    def serving(self) -> list[WorkerSnapshot]:
        """The workers that take further jobs of its queue."""
        return [worker for worker in self.workers if worker.serves(self.job.queue)]


def explain(facts: Facts) -> Why:
    """Name everything that keeps the job: first what a person has done, last who is ahead."""
    job = facts.job
    return Why(
        job_id=job.id,
        state=job.state,
        handler=job.handler,
        queue=job.queue,
        asked_at=facts.now,
        blockers=tuple(blocker for find in _finders(job.state) for blocker in find(facts)),
    )


def _finders(state: JobState) -> Sequence["Finder"]:
    if state.is_final:
        return (_ended,)
    return _OF_RUNNING if state is JobState.RUNNING else _OF_WAITING


def _paused(facts: Facts) -> Iterator[Blocker]:
    if (pause := facts.pause) is not None:
        reason = f": {pause.reason!r}" if pause.reason else ""
        ends = "" if pause.until is None else f", until {moment_text(pause.until)}"
        since = moment_text(pause.paused_at)
        told = f"queue {facts.job.queue!r} is paused since {since}{reason}{ends}"
        yield Blocker(kind=BlockerKind.PAUSED, told=told, until=pause.until)


def _not_due(facts: Facts) -> Iterator[Blocker]:
    job = facts.job
    if job.state is not JobState.SCHEDULED or job.run_at is None or job.run_at <= facts.now:
        return
    tried = f", for attempt {job.attempt + 1} of {job.max_attempts}" if job.attempt else ""
    yield Blocker(
        kind=BlockerKind.NOT_DUE,
        told=f"it is not due before {moment_text(job.run_at)}{tried}",
        until=job.run_at,
        error=_error(job),
    )


def _expired(facts: Facts) -> Iterator[Blocker]:
    expires_at = facts.job.expires_at
    if expires_at is not None and expires_at <= facts.now:
        at = moment_text(expires_at)
        told = f"it expired at {at}: the worker that claims it buries it"
        yield Blocker(kind=BlockerKind.EXPIRED, told=told)


def _waits_for_job(facts: Facts) -> Iterator[Blocker]:
    job, other = facts.job, facts.waited_for
    if job.state is not JobState.BLOCKED or job.waits_for is None or job.blocked_by is not None:
        return  # what went on after the other job keeps its id, and may be blocked by a limit
    stands = "which is in no table any more" if other is None else f"which is {other.state}"
    if other is not None and other.state is JobState.SUCCEEDED:
        stands += ": a worker will let this one go on soon"
    elif other is not None and other.state.is_final:
        stands += ": requeue that one, or cancel this one"
    told = f"it waits for job {job.waits_for}, {stands}"
    yield Blocker(kind=BlockerKind.WAITS_FOR_JOB, told=told)


def _limits(facts: Facts) -> Iterator[Blocker]:
    if facts.job.state is JobState.SCHEDULED:
        return  # what is full now says nothing of when it will be due
    for refusal in facts.bounds.refusals(facts.job, facts.now, facts.serving):
        kind = BlockerKind.LIMIT_FULL if refusal.until is None else BlockerKind.RATE
        yield Blocker(kind=kind, told=refusal.told, until=refusal.until)


def _blocked(facts: Facts) -> Iterator[Blocker]:
    job = facts.job
    if job.state is not JobState.BLOCKED or (job.waits_for and job.blocked_by is None):
        return
    refusing = {refusal.name for refusal in facts.bounds.refusals(job, facts.now, facts.serving)}
    if job.blocked_by is None:
        yield Blocker(kind=BlockerKind.BLOCKED, told="it is blocked, and does not say by what")
    elif job.blocked_by not in refusing:
        told = f"{job.blocked_by!r} blocked it and has room again: a worker will ready it soon"
        yield Blocker(kind=BlockerKind.BLOCKED, told=told)


def _no_worker(facts: Facts) -> Iterator[Blocker]:
    queue, others = facts.job.queue, len(facts.workers)
    if not others:
        yield Blocker(kind=BlockerKind.NO_WORKER, told="no worker is alive")
    elif not facts.serving:
        told = f"no living worker serves queue {queue!r}; {others} serve others or are stopping"
        yield Blocker(kind=BlockerKind.NO_WORKER, told=told)


def _handler_unknown(facts: Facts) -> Iterator[Blocker]:
    asked = facts.serving or facts.workers
    if asked and not any(facts.handler in worker.handlers for worker in asked):
        serve = " that serve its queue" if facts.serving else ""
        told = f"none of {len(asked)} living workers{serve} knows its handler {facts.handler!r}"
        yield Blocker(kind=BlockerKind.HANDLER_UNKNOWN, told=told)


def _suspect(facts: Facts) -> Iterator[Blocker]:
    if facts.job.rescues:
        times = f"{facts.job.rescues} time{'s' if facts.job.rescues > 1 else ''}"
        told = f"its worker died while it ran, {times}: it waits for the quarantine to run it alone"
        yield Blocker(kind=BlockerKind.SUSPECT, told=told, error=_error(facts.job))


def _behind(facts: Facts) -> Iterator[Blocker]:
    if facts.ahead:
        are = "job is" if facts.ahead == 1 else "jobs are"
        yield Blocker(kind=BlockerKind.BEHIND, told=f"{counted(facts.ahead)} {are} ahead of it")


def _running(facts: Facts) -> Iterator[Blocker]:
    job = facts.job
    since = "" if job.claimed_at is None else f" since {moment_text(job.claimed_at)}"
    on = job.worker_id if facts.owner is None else facts.owner
    ends = "no deadline"
    if job.deadline_at is not None:
        ends = f"taken from it after {moment_text(job.deadline_at)}"
    told = f"it runs{since} on worker {on}, attempt {job.attempt} of {job.max_attempts}, {ends}"
    yield Blocker(kind=BlockerKind.RUNNING, told=told)


def _asked_to_stop(facts: Facts) -> Iterator[Blocker]:
    if (asked_at := facts.job.cancel_requested_at) is not None:
        told = f"somebody asked it to stop at {moment_text(asked_at)}"
        yield Blocker(kind=BlockerKind.ASKED_TO_STOP, told=told)


def _worker_gone(facts: Facts) -> Iterator[Blocker]:
    owner = facts.owner
    if owner is not None and owner.has_lease:
        return
    if owner is None:
        told = "its worker has no row any more"
    elif owner.state is WorkerState.ALIVE:
        heard, lapsed = moment_text(owner.heartbeat_at), moment_text(owner.lease_expires_at)
        told = f"its worker was last heard of at {heard}, and its lease ended at {lapsed}"
    else:
        told = f"its worker is {owner.state}"
    back = "a living worker will take the job back" if facts.workers else "no worker is alive"
    yield Blocker(kind=BlockerKind.WORKER_GONE, told=f"{told}: {back}")


def _ended(facts: Facts) -> Iterator[Blocker]:
    job = facts.job
    at = "" if job.finished_at is None else f" at {moment_text(job.finished_at)}"
    attempts = f"attempt {job.attempt} of {job.max_attempts}"
    if job.state in ARCHIVED_STATES:
        told = f"it has ended: {job.state}{at}, {attempts}"
    else:
        told = f"it is a dead letter: {job.reason}{at}, {attempts}; requeue it to run it again"
    yield Blocker(kind=BlockerKind(job.state), told=told, error=_error(job))


def _error(job: JobSnapshot) -> str:
    error = job.error or {}
    return ": ".join(str(error[name]) for name in ("type", "message") if error.get(name))


Finder = Callable[[Facts], Iterator[Blocker]]
_OF_WAITING: tuple[Finder, ...] = (
    _paused,
    _not_due,
    _expired,
    _waits_for_job,
    _limits,
    _blocked,
    _no_worker,
    _handler_unknown,
    _suspect,
    _behind,
)
_OF_RUNNING: tuple[Finder, ...] = (_running, _asked_to_stop, _worker_gone)
