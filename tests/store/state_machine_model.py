"""What a store does, said with a dictionary: no tables, no statements, no locks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.core.states import DeathReason, JobState, WorkerState

#: What the model and a row call by the same name.
COLUMNS = (
    "id",
    "queue",
    "priority",
    "state",
    "attempt",
    "max_attempts",
    "reprocess_count",
    "rescues",
    "unique_key",
    "requeued_from",
)
WAITING = (JobState.READY, JobState.SCHEDULED)
#: What a run may answer; hours until the next one where there is one.
RETRIED_AFTER = {"retry": 0, "retry later": 1, "snooze": 2}


@dataclass(slots=True, kw_only=True)
class ModelJob:
    """One job; `due_in` is hours from the beginning of the test, None where nothing is awaited."""

    id: int
    queue: str
    priority: int = 0
    max_attempts: int = 3
    state: JobState = JobState.READY
    due_in: int | None = None
    attempt: int = 0
    reprocess_count: int = 0
    rescues: int = 0
    unique_key: str | None = None
    unique_while: str = "live"
    token: UUID | None = None
    worker: UUID | None = None
    cancel_requested: bool = False
    reason: DeathReason | None = None
    requeued_from: int | None = None

    @property
    def is_live(self) -> bool:
        return not self.state.is_final

    @property
    def table(self) -> str:
        if self.is_live:
            return "live"
        return "dead" if self.state is JobState.DEAD else "archive"

    def row(self) -> dict[str, object]:
        """Return what the table is to hold."""
        named = {name: getattr(self, name) for name in COLUMNS}
        others = {name: getattr(self, name) for name in ("token", "worker", "reason")}
        return {**named, **others, "cancel_requested": self.cancel_requested}

    def awaits(self, hours: int) -> None:
        self.state = JobState.SCHEDULED if hours else JobState.READY
        self.due_in = hours or None

    def leaves_its_worker(self, *, hours: int = 0, attempt_change: int = 0) -> None:
        self.attempt += attempt_change
        if self.cancel_requested:
            self.state = JobState.CANCELLED
            return
        self.awaits(hours)
        self.token = self.worker = None


@dataclass
class ModelStore:
    """Every method says what must be true afterwards, and answers as the store must answer."""

    jobs: dict[int, ModelJob] = field(default_factory=dict)
    workers: dict[UUID, WorkerState] = field(default_factory=dict)
    lapsed: set[UUID] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)
    tokens: set[UUID] = field(default_factory=set)  #: all that were ever drawn

    def of(self, state: JobState) -> list[ModelJob]:
        return [job for job in self.jobs.values() if job.state is state]

    def tables(self) -> dict[str, list[dict[str, object]]]:
        """Return every row of the three tables, by id."""
        expected: dict[str, list[dict[str, object]]] = {"live": [], "archive": [], "dead": []}
        for job_id in sorted(self.jobs):
            job = self.jobs[job_id]
            expected[job.table].append(job.row())
        return expected

    def holder_of(self, key: str | None) -> ModelJob | None:
        """The live job that has the key, if any."""
        live = (job for job in self.jobs.values() if job.is_live and key is not None)
        return next((job for job in live if job.unique_key == key), None)

    def add(self, job: ModelJob, *, hours: int = 0) -> None:
        assert job.id not in self.jobs, f"the id {job.id} was given twice"
        job.awaits(hours)
        self.jobs[job.id] = job

    def replace(self, job: ModelJob, *, priority: int, hours: int) -> bool:
        if job.state not in WAITING:
            return False
        job.priority = priority
        job.awaits(hours)
        return True

    # Claims.

    def may_claim(self, worker: UUID) -> bool:
        return self.workers.get(worker) is WorkerState.ALIVE

    def claim(self, claimed: Iterable[ClaimedJob], *, worker: UUID, token: UUID) -> None:
        assert token not in self.tokens
        self.tokens.add(token)
        for one in claimed:
            job = self.jobs[one.id]
            job.state, job.token, job.worker = JobState.RUNNING, token, worker
            job.attempt += 1
            if job.unique_while == "waiting":
                job.unique_key = None

    def finish(self, claim: ClaimedJob, answer: str) -> bool:
        """Write what a run answered, if its claim holds."""
        job = self.jobs.get(claim.id)
        if job is None or job.state is not JobState.RUNNING or job.token != claim.claim_token:
            return False
        if answer == "succeed and forget":
            del self.jobs[job.id]
        elif answer == "succeed":
            job.state = JobState.SUCCEEDED
        elif answer == "cancel":
            job.state = JobState.CANCELLED
        elif answer == "discard":
            job.state, job.reason = JobState.DEAD, DeathReason.DISCARDED
        elif answer == "release":
            job.leaves_its_worker(attempt_change=-1)
        elif answer != "snooze" and job.attempt >= job.max_attempts:
            job.state, job.reason = JobState.DEAD, DeathReason.EXHAUSTED
        else:
            self._runs_again(job, answer)
        return True

    def _runs_again(self, job: ModelJob, answer: str) -> None:
        is_snooze = answer == "snooze"
        job.leaves_its_worker(hours=RETRIED_AFTER[answer], attempt_change=-1 if is_snooze else 0)
        if job.is_live:
            job.reprocess_count += is_snooze
            job.rescues = 0  # it came to an end of its own, so it is no suspect

    def written_under(self, claims: Iterable[ClaimedJob]) -> set[int]:
        known = {(job.id, job.token) for job in self.jobs.values() if not job.is_live}
        return {claim.id for claim in claims if (claim.id, claim.claim_token) in known}

    # Workers.

    def held_by(self, worker: UUID) -> list[ModelJob]:
        return [job for job in self.of(JobState.RUNNING) if job.worker == worker]

    def give_back(self, worker: UUID, *, but: Sequence[ClaimedJob] = ()) -> set[int]:
        """What the worker holds and does not know of, or what it held when it said good-bye."""
        known = {(claim.id, claim.claim_token) for claim in but}
        unknown = [job for job in self.held_by(worker) if (job.id, job.token) not in known]
        for job in unknown:
            job.leaves_its_worker(attempt_change=-1)
        return {job.id for job in unknown}

    def has_something_to_reap(self) -> bool:
        return bool(self.lapsed) or not all(
            job.worker and self.may_claim(job.worker) for job in self.of(JobState.RUNNING)
        )

    def reap(self) -> set[int]:
        """Declare dead whose lease lapsed; rescue what runs without a living worker."""
        for worker in self.lapsed:
            self.workers[worker] = WorkerState.DEAD
        self.lapsed.clear()
        rescued = set()
        for job in self.of(JobState.RUNNING):
            if job.worker is None or not self.may_claim(job.worker):
                job.leaves_its_worker(attempt_change=-1)
                if job.is_live:
                    job.rescues += 1
                    job.reprocess_count += 1
                    rescued.add(job.id)
        return rescued

    def forget_workers(self) -> int:
        """Two days later: who ended, and holds nothing any more."""
        gone = [
            worker
            for worker, state in self.workers.items()
            if state is not WorkerState.ALIVE and not self.held_by(worker)
        ]
        for worker in gone:
            del self.workers[worker]
        return len(gone)

    # Operators.

    def cancel(self, wanted: Iterable[ModelJob]) -> tuple[int, int]:
        cancelled = asked = 0
        for job in wanted:
            if job.state in WAITING:
                job.state = JobState.CANCELLED
                cancelled += 1
            elif job.state is JobState.RUNNING:
                job.cancel_requested = True
                asked += 1
        return cancelled, asked

    def promote(self, *, hours: int) -> int:
        due = [job for job in self.of(JobState.SCHEDULED) if (job.due_in or 0) <= hours]
        for job in due:
            job.awaits(0)
        return len(due)

    def requeued(self, job: ModelJob, *, as_id: int) -> None:
        """A dead letter moves back under its own id; an archived job is copied under a new one."""
        fresh = ModelJob(
            id=as_id,
            queue=job.queue,
            priority=job.priority,
            max_attempts=job.max_attempts,
            unique_key=job.unique_key,
            unique_while=job.unique_while,
            requeued_from=job.id,
        )
        if job.state is JobState.DEAD:
            assert as_id == job.id
            del self.jobs[job.id]
        self.add(fresh)

    def forget(self, states: Iterable[JobState]) -> int:
        gone = [job.id for state in states for job in self.of(state)]
        for job_id in gone:
            del self.jobs[job_id]
        return len(gone)
