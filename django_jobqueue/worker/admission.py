"""Whether a claimed job may run: its handler, its expiry, how often it came back."""

import json
from collections.abc import Callable
from datetime import timedelta

import msgspec

from django_jobqueue.core.backoff import Backoff, backoff_from_json
from django_jobqueue.core.errors import HandlerNotRegistered
from django_jobqueue.core.grace import note, noted_since
from django_jobqueue.core.outcomes import Bury, Release
from django_jobqueue.core.retry import RetryPolicy
from django_jobqueue.core.specs import LEASE_LAPSED, WORKER_DIED, ClaimedJob, FinishedJob
from django_jobqueue.core.states import DeathReason
from django_jobqueue.core.transitions import decide
from django_jobqueue.jobs.handlers import Handler
from django_jobqueue.jobs.registry import Registry, name_of_queue_handler


class Policies:
    """How each handler is retried, put together once; `defaults` are for what it does not say.

    `backoff_of_queue` tells the JSON text of what is set for a queue, if anything is.
    """

    def __init__(
        self,
        defaults: RetryPolicy,
        *,
        backoff_of_queue: Callable[[str], str | None] = lambda queue: None,
    ) -> None:
        self.defaults, self._backoff_of_queue = defaults, backoff_of_queue
        self._by_handler: dict[Handler, RetryPolicy] = {}

    def of(self, handler: Handler) -> RetryPolicy:
        policy = self._by_handler.get(handler)
        if policy is None:
            policy = self._by_handler[handler] = handler.policy(self.defaults)
        return policy

    def backoff_of(self, handler: Handler, job: ClaimedJob) -> Backoff:
        """Return the backoff of the job, of its handler, of its queue or the default: the first of
        them that there is.
        """
        own = _readable(job.backoff)
        if own is None and handler.options.backoff is None:
            own = _readable(self._backoff_of_queue(job.queue))
        return self.of(handler).backoff if own is None else own


def _readable(backoff: str | None) -> Backoff | None:
    try:
        return None if backoff is None else backoff_from_json(json.loads(backoff))
    except ValueError:
        return None  # of a row that was edited by hand


class Admission:
    """Asked once for every job that was claimed."""

    def __init__(
        self, *, registry: Registry, policies: Policies, unknown_handler_grace: timedelta
    ) -> None:
        self._registry, self._policies = registry, policies
        self._grace = unknown_handler_grace

    def prepare(self, job: ClaimedJob) -> Handler | FinishedJob:
        """Return the handler to run the job with, or what is written because it may not run."""
        if job.unreadable is not None:
            message = f"its times cannot be read: {job.unreadable}"
            return self._buried(job, DeathReason.UNPROCESSABLE, message)
        if job.is_expired:
            return self._buried(job, DeathReason.EXPIRED, "its expires_at passed before it ran")
        try:
            handler = self._registry.get(job.handler or name_of_queue_handler(job.queue))
        except HandlerNotRegistered as error:
            return self._without_handler(job, error)
        if not (job.reprocess_count or job.rescues):
            return handler
        policy = self._policies.of(handler)
        most = policy.max_reprocess_count
        if most is not None and job.reprocess_count >= most:
            return self._buried(
                job,
                DeathReason.POISON,
                f"it was taken back {job.reprocess_count} times without finishing",
            )
        if job.rescues and job.rescues >= policy.max_rescues:
            died = f"its worker died {job.rescues}x while it ran{_how_it_died(job)}"
            return self._buried(job, DeathReason.POISON, died)
        return handler

    def _buried(self, job: ClaimedJob, reason: DeathReason, message: str) -> FinishedJob:
        transition = decide(job, Bury(reason, message), self._policies.defaults.backoff)
        return FinishedJob(job, transition)

    def _without_handler(self, job: ClaimedJob, error: HandlerNotRegistered) -> FinishedJob:
        since = noted_since(job) or job.claimed_at
        waited = job.claimed_at - since
        if waited >= self._grace:
            return self._buried(job, DeathReason.HANDLER_MISSING, f"no handler registered: {error}")
        # Waiting as long as it has waited already doubles the wait each time.
        delay = min(60.0, max(1.0, waited.total_seconds()))
        transition = decide(job, Release(str(error), delay), self._policies.defaults.backoff)
        noted = note(job, str(error), since=since)
        return FinishedJob(job, msgspec.structs.replace(transition, error=noted))


def _how_it_died(job: ClaimedJob) -> str:
    """What the supervisor saw of the last death, where there was one to see it."""
    try:
        error = json.loads(job.error or "null")
        was_seen = error["type"] == WORKER_DIED and error["message"] != LEASE_LAPSED
        return f", the last time {error['message']}" if was_seen else ""
    except (TypeError, KeyError, ValueError):
        return ""  # of a row that was edited by hand
