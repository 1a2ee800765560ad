"""What ran, and what came of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import overload

import msgspec

from django_jobqueue.core.snapshots import JobSnapshot
from django_jobqueue.core.specs import ClaimedJob, Transition
from django_jobqueue.jobs.handlers import HandlerLike, handler_of


class JobRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a job, or what was written for one that was claimed and could not run.

    `outcome` is `succeeded`, `cancelled` or `dead`, or of a job that lives on `failed`, `snoozed`
    or `released`. `error` is the exception itself that the handler raised, `job` the record as it
    stood right after the run: None for a success that is not kept.
    """

    id: int
    handler: str
    queue: str
    attempt: int
    outcome: str
    error: BaseException | None
    job: JobSnapshot | None

    def __str__(self) -> str:
        why = self.error if self.error is not None else _told(self.job)
        told = f"{self.handler} ({self.id}), attempt {self.attempt}: {self.outcome}"
        return told if why is None else f"{told}, {why!r}"


def _told(job: JobSnapshot | None) -> str | None:
    return None if job is None or job.error is None else str(job.error.get("message"))


def outcome_of(transition: Transition) -> str | None:
    """Return what came of a claim; None where the job was given back as if it had not been made."""
    if transition.state.is_final:
        return transition.state.value
    return None if transition.report is None else transition.report.outcome


def run_of(
    job: ClaimedJob, outcome: str, *, error: BaseException | None, snapshot: JobSnapshot | None
) -> JobRun:
    return JobRun(
        id=job.id,
        handler=job.handler,
        queue=job.queue,
        attempt=job.attempt,
        outcome=outcome,
        error=error,
        job=snapshot,
    )


class JobRuns(Sequence[JobRun]):
    """The runs, in their order; printed, it is one line for each."""

    def __init__(self, runs: Sequence[JobRun] = ()) -> None:
        self._runs = list(runs)

    @property
    def counts(self) -> dict[str, int]:
        """How many had each outcome: `{"succeeded": 2, "failed": 1}`."""
        return dict(Counter(run.outcome for run in self._runs))

    def of(self, handler: HandlerLike) -> "JobRuns":
        """Return the runs of one handler: its name, or what @job returned."""
        name = handler if isinstance(handler, str) else handler_of(handler).name
        return JobRuns([run for run in self._runs if run.handler == name])

    @overload
    def __getitem__(self, index: int) -> JobRun: ...
    @overload
    def __getitem__(self, index: slice) -> "JobRuns": ...

    def __getitem__(self, index: int | slice) -> "JobRun | JobRuns":
        found = self._runs[index]
        return found if isinstance(found, JobRun) else JobRuns(found)

    def __iter__(self) -> Iterator[JobRun]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def __repr__(self) -> str:
        return f"<{len(self)} runs>" + "".join(f"\n  {run}" for run in self._runs)

    def extend(self, runs: Sequence[JobRun]) -> None:
        self._runs.extend(runs)
