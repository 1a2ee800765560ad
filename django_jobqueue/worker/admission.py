"""Whether a claimed job may run: its handler, its expiry, how often it came back."""

import json
from datetime import datetime, timedelta

import msgspec

from django_jobqueue.core.clock import Clock
from django_jobqueue.core.errors import HandlerNotRegistered
from django_jobqueue.core.outcomes import Bury, Release
from django_jobqueue.core.retry import RetryPolicy
from django_jobqueue.core.specs import ClaimedJob, FinishedJob
from django_jobqueue.core.states import DeathReason
from django_jobqueue.core.transitions import decide
from django_jobqueue.jobs.handlers import Handler
from django_jobqueue.jobs.registry import Registry


class Policies:
    """How each handler is retried, put together once; `defaults` are for what it does not say."""

    def __init__(self, defaults: RetryPolicy) -> None:
        self.defaults = defaults
        self._by_handler: dict[Handler, RetryPolicy] = {}

    def of(self, handler: Handler) -> RetryPolicy:
        policy = self._by_handler.get(handler)
        if policy is None:
            policy = self._by_handler[handler] = handler.policy(self.defaults)
        return policy


class Admission:
    """Asked once for every job that was claimed."""

    def __init__(
        self,
        *,
        registry: Registry,
        policies: Policies,
        clock: Clock,
        unknown_handler_grace: timedelta,
    ) -> None:
        self._registry, self._policies, self._clock = registry, policies, clock
        self._grace = unknown_handler_grace

    def prepare(self, job: ClaimedJob) -> Handler | FinishedJob:
        """Return the handler to run the job with, or what is written because it may not run."""
        if job.is_expired:
            return self._buried(job, DeathReason.EXPIRED, "its expires_at passed before it ran")
        try:
            handler = self._registry.get(job.handler)
        except HandlerNotRegistered as error:
            return self._without_handler(job, error)
        policy = self._policies.of(handler)
        most = policy.max_reprocess_count
        if most is not None and job.reprocess_count >= most:
            return self._buried(
                job,
                DeathReason.POISON,
                f"it was taken back {job.reprocess_count} times without finishing",
            )
        if job.rescues and job.rescues >= policy.max_rescues:
            return self._buried(
                job, DeathReason.POISON, f"its worker died {job.rescues}x while it ran"
            )
        return handler

    def _buried(self, job: ClaimedJob, reason: DeathReason, message: str) -> FinishedJob:
        # The attempt that the claim charged stays charged: nothing counts it any more.
        transition = decide(job, Bury(reason, message), self._policies.defaults.backoff)
        return FinishedJob(job, transition)

    def _without_handler(self, job: ClaimedJob, error: HandlerNotRegistered) -> FinishedJob:
        now = self._clock.now()
        since = _unknown_since(job) or now
        if now - since >= self._grace:
            return self._buried(job, DeathReason.HANDLER_MISSING, f"no handler registered: {error}")
        # Waiting as long as it has waited already doubles the wait each time.
        delay = min(60.0, max(1.0, (now - since).total_seconds()))
        told = {
            "type": "HandlerNotRegistered",
            "message": str(error),
            "fields": {"since": since.isoformat()},
        }
        transition = decide(job, Release(str(error), delay), self._policies.defaults.backoff)
        return FinishedJob(job, msgspec.structs.replace(transition, error=json.dumps(told)))


def _unknown_since(job: ClaimedJob) -> datetime | None:
    """When this job was first met without a handler, as its last release noted."""
    try:
        error = json.loads(job.error or "null")
        if error["type"] == "HandlerNotRegistered":
            return datetime.fromisoformat(error["fields"]["since"])
    except (TypeError, KeyError, ValueError):
        pass
    return None
