"""Jobs that run past their deadline: their workers live, but did not end them in time."""

from django_jobqueue.core.error_text import describe_error
from django_jobqueue.core.errors import HandlerNotRegistered, JobTimedOut
from django_jobqueue.core.outcomes import Fail
from django_jobqueue.core.retry import RetryPolicy
from django_jobqueue.core.specs import ClaimedJob, FinishedJob
from django_jobqueue.core.transitions import decide
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.store import JobStore

from .admission import Policies


class Overdue:
    """Takes such jobs away from their workers: the attempt has failed with JobTimedOut, and is
    retried as any failure. What their workers still report of them changes nothing.
    """

    def __init__(
        self, *, store: JobStore, registry: Registry, defaults: RetryPolicy, events: EventBus
    ) -> None:
        self._store, self._registry, self._events = store, registry, events
        self._policies = Policies(defaults, backoff_of_queue=self._backoff_of_queue)

    def fail(self) -> set[str]:
        """Fail what is overdue; return the queues of what was written."""
        queues, errors = set[str](), list[Exception]()
        for job in self._store.overdue():
            try:
                if self._store.finish_many([self._timed_out(job)]):
                    self._events.emit("job.overdue", job=job)
                    queues.add(job.queue)
            except Exception as error:
                errors.append(error)  # one row that cannot be written holds up no other
        if errors:
            raise errors[0]
        return queues

    def _timed_out(self, job: ClaimedJob) -> FinishedJob:
        error = JobTimedOut(f"{JobTimedOut.message}, and its worker did not react")
        try:
            handler = self._registry.get(job.handler)
        except HandlerNotRegistered:
            return FinishedJob(
                job, decide(job, Fail(describe_error(error)), self._policies.defaults.backoff)
            )
        is_worth_it = self._policies.of(handler).is_worth_retrying(error)
        outcome = Fail(describe_error(error), is_worth_it)
        return FinishedJob(job, decide(job, outcome, self._policies.backoff_of(handler, job)))

    def _backoff_of_queue(self, queue: str) -> str | None:
        # Read for each: who looks after the others' jobs knows no limits, and seldom finds one.
        return self._store.limits_in_force(keys=False).backoff_of(queue)
