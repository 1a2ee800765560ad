"""Handlers in processes of their own, watched from outside: what must end them ends the process."""

import math
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.errors import (
    InvalidSettings,
    JobCancelled,
    JobReleased,
    JobTimedOut,
    LeaseLost,
    ProcessDied,
    ProcessNotStarted,
)
from django_jobqueue.core.specs import Transition
from django_jobqueue.events import EventBus

from .hands import HeldJob
from .job_processes import Gone, JobProcess, JobProcesses
from .membership import Membership
from .messages import Beat, Began, CancelRequested, Ended, Logged, Message, Ready
from .timeouts import bounded

Wanted = TypeVar("Wanted", bound=Message)

#: Shares of a lease: how often a running job is looked after; and the age of the last heartbeat at
#: which its process is killed, after it was told that the lease is in doubt. Should its worker be
#: unable to, the process ends itself two looks later.
LOOK_SHARE, KILL_SHARE = 0.05, 0.9
#: How soon to offer again what the process did not take at once.
UNSENT_SECONDS = 0.01


class Isolation:
    """Runs held jobs in `processes`, and kills those that take too long, were cancelled and go on
    for `grace` seconds, or may run elsewhere soon.
    """

    START_SECONDS = 60.0

    def __init__(
        self,
        processes: JobProcesses,
        *,
        membership: Membership,
        lease: timedelta,
        grace: float,
        events: EventBus,
        backoff_of_queue: Callable[[str], str | None] = lambda queue: None,
    ) -> None:
        self._processes, self._membership, self._events = processes, membership, events
        self._lease, self._grace = lease.total_seconds(), grace
        self._backoff_of_queue = backoff_of_queue

    def stop(self) -> None:
        """End the processes."""
        self._processes.stop()

    def run(self, held: HeldJob) -> Transition:
        """Return what is to be written for the job, as its process has decided.

        Raises what a handler in a thread would have raised: JobTimedOut, JobCancelled,
        JobReleased, LeaseLost. ProcessDied if it was nothing of ours.
        ProcessNotStarted before the handler began.
        """
        try:
            return self._run(held)
        except ProcessNotStarted as error:
            self._events.emit("job_process.not_started", job=held.job, error=error)
            raise
        except ProcessDied as error:
            self._events.emit("job_process.died", job=held.job, cause=error.cause)
            raise
        except BaseException as error:
            self._events.emit("job.killed", job=held.job, because=error)
            raise

    def _run(self, held: HeldJob) -> Transition:
        try:
            process = self._processes.take()
        except (OSError, InvalidSettings) as error:
            raise ProcessNotStarted(str(error)) from error
        try:
            return self._run_in(process, held)
        finally:
            self._processes.give(process)

    def _run_in(self, process: JobProcess, held: HeldJob) -> Transition:
        watch = _Watch(held, process, membership=self._membership, lease=self._lease)
        held.interrupt_with(process.wake)
        if not process.is_ready:
            self._await_start(watch, Ready)
        watch.tell_renewed()
        process.run(
            held.job,
            handler=held.handler.name,
            queue_backoff=self._backoff_of_queue(held.job.queue),
        )
        self._await_start(watch, Began)
        held.begin()
        ended = watch.wait_for(Ended, seconds=held.job.timeout_seconds, patience=self._grace)
        if ended is None:
            raise JobTimedOut
        return ended.transition

    def _await_start(self, watch: "_Watch", sign: type[Ready | Began]) -> None:
        try:
            it_started = watch.wait_for(sign, seconds=self.START_SECONDS, patience=0.0)
        except ProcessDied as error:
            raise ProcessNotStarted(f"it {error.cause}") from error
        if it_started is None:
            raise ProcessNotStarted(f"it was not ready after {self.START_SECONDS:g} s")


class _Watch:
    """One job in one process, from the thread that waits for it."""

    def __init__(
        self, held: HeldJob, process: JobProcess, *, membership: Membership, lease: float
    ) -> None:
        self._held, self._process, self._membership = held, process, membership
        self._longest_lease = KILL_SHARE * lease
        self._pulse = LOOK_SHARE * lease
        self._kill_at = math.inf
        self._told_renewed_at: float | None = None

    def wait_for(
        self, wanted: type[Wanted], *, seconds: float | None, patience: float
    ) -> Wanted | None:
        """Return the message; None if it does not come within `seconds`.

        Raises what ends the run before; a cancellation does that after `patience` seconds.
        """
        until = math.inf if seconds is None else monotonic() + bounded(seconds)
        while (left := until - monotonic()) > 0:
            self._look_up(patience)
            message = self._process.hear(self._pause(left))
            if isinstance(message, wanted):
                return message
            if isinstance(message, Gone):
                raise self._meaning_of(message)
            if isinstance(message, Logged) and self._held.context is not None:
                self._held.context.log(message.line)
        return None

    def tell_renewed(self) -> None:
        """Tell the process until when it may go on, if that has changed."""
        renewed_at = self._membership.renewed_at
        if renewed_at is not None and renewed_at != self._told_renewed_at:
            self._told_renewed_at = renewed_at
            self._process.tell(Beat(self._membership.worker_id, renewed_at))

    def _look_up(self, patience: float) -> None:
        if self._held.has_lost_lease or self._lease_is_ending():
            raise LeaseLost(self._held.job.id)
        if self._held.interrupted:
            raise JobReleased
        if self._held.is_cancelled:
            self._cancel(patience)
        self.tell_renewed()

    def _lease_is_ending(self) -> bool:
        renewed_at = self._membership.renewed_at
        return renewed_at is None or self._membership.moment() - renewed_at >= self._longest_lease

    def _cancel(self, patience: float) -> None:
        if self._kill_at == math.inf:
            self._kill_at = monotonic() + patience
            self._process.tell(CancelRequested([self._held.job.id]))
        if monotonic() >= self._kill_at:
            raise JobCancelled

    def _pause(self, left: float) -> float:
        if self._process.has_unsent:
            return UNSENT_SECONDS
        return max(0.0, min(left, self._pulse, self._kill_at - monotonic()))

    def _meaning_of(self, gone: Gone) -> Exception:
        if gone.status == -signal.SIGALRM:  # its own watch over the lease has ended it
            return LeaseLost(self._held.job.id)
        return ProcessDied(gone.cause)
