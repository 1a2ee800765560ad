"""What runs in a job process: an executor as in a worker, without the database half."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from django_jobqueue import conf
from django_jobqueue.core.backoff import NoRetry
from django_jobqueue.core.errors import HandlerNotRegistered
from django_jobqueue.core.outcomes import Release
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Transition
from django_jobqueue.core.transitions import decide
from django_jobqueue.events import events
from django_jobqueue.jobs.context import JobContext
from django_jobqueue.jobs.registry import registry
from django_jobqueue.store import store_for

from .admission import Policies
from .answers import Answers
from .executor import Executor
from .hands import HeldJob
from .hygiene import clean_thread, close_async_connections, close_connections
from .isolation import KILL_SHARE, LOOK_SHARE
from .loop_watch import LoopWatch
from .membership import Membership
from .messages import (
    Beat,
    Began,
    CancelRequested,
    Channel,
    Ended,
    Logged,
    Message,
    Ready,
    Run,
    Setup,
)
from .retirement import resident_bytes
from .runners import EventLoopRunner, Runners, ThreadRunners
from .timeouts import TimeoutWatch
from .transactional import InTransaction
from .watching import Watching

#: Nothing sets it: a pause that needs no sleep.
_NEVER = threading.Event()
#: After this long, another process may know a handler that this one does not.
UNKNOWN_HANDLER_SECONDS = 10.0


class _ToldContext(JobContext):
    """Tells the worker what is logged, which keeps it if this process does not live to answer."""

    __slots__ = ("_tell",)

    def __init__(self, job: ClaimedJob, *, tell: Callable[[Message], object], **parts: Any) -> None:
        super().__init__(job, **parts)
        self._tell = tell

    def _line_was_kept(self, line: str) -> None:
        self._tell(Logged(line))


class IsolatedJobs:
    """Runs the jobs of one worker, one after the other."""

    def __init__(self, setup: Setup, channel: Channel) -> None:
        settings = conf.current()
        self._channel, self._lease_seconds = channel, setup.lease_seconds
        self._membership = Membership(lease=timedelta(seconds=setup.lease_seconds))
        self._context_store = store_for(settings.database).dedicated(
            prepared=settings.prepared_statements
        )
        self._held: HeldJob | None = None
        self._job: ClaimedJob | None = None
        self._queue_backoff: str | None = None
        executor = self._make_executor(settings)
        executor.reports_to(self._answer)
        self._threads = ThreadRunners(1, executor.perform, at_end=close_connections)
        self._loop = EventLoopRunner(
            1,
            executor.perform_async,
            tidy=close_async_connections,
            at_end=close_async_connections,
        )
        self._started: list[Runners] = []

    def _make_executor(self, settings: conf.JobQueueSettings) -> Executor:
        policies = Policies(
            settings.retry_policy, backoff_of_queue=lambda queue: self._queue_backoff
        )
        watching, answers = Watching(), Answers(policies)
        return Executor(
            answers=answers,
            make_context=self._make_context,
            timeouts=TimeoutWatch(watching),
            clean_thread=_leave_nothing_open,
            in_transaction=InTransaction(
                store_for(settings.database), answers=answers, lease=settings.lease, events=events
            ),
            loop_watch=LoopWatch(watching, events=events),
            events=events,
            lease_in_doubt=self._membership.is_in_doubt,
        )

    def obey(self, messages: Iterator[Any]) -> None:
        """Run what comes, until the worker has hung up; if it was in the middle of a job, the
        process ends here.
        """
        threading.Thread(
            target=self._watch_lease, name="jobqueue-lease-of-the-worker", daemon=True
        ).start()
        self._channel.send(Ready())
        for message in messages:
            match message:
                case Beat(worker_id=worker_id, at=at):
                    self._membership.adopted(worker_id, at)
                case Run(handler=name, job=job, queue_backoff=queue_backoff):
                    self._channel.send(Began())
                    self._queue_backoff = queue_backoff
                    self._run(job, handler_name=name)
                case CancelRequested(job_ids=job_ids):
                    self._request_cancel(job_ids)
        if self._held is not None:
            os._exit(1)

    def _run(self, job: ClaimedJob, *, handler_name: str) -> None:
        try:
            handler = registry.get(handler_name)
        except HandlerNotRegistered as error:
            unknown = Release(str(error), UNKNOWN_HANDLER_SECONDS)
            self._send(decide(job, unknown, NoRetry()))
            return
        # Its timeout is for the worker to watch, which needs nobody's help for it.
        self._job, held = job, HeldJob(msgspec.structs.replace(job, timeout_seconds=None), handler)
        self._held = held
        runners: Runners = self._loop if handler.is_async else self._threads
        if runners not in self._started:
            runners.start()
            self._started.append(runners)
        runners.submit([held])

    def _request_cancel(self, job_ids: Sequence[int]) -> None:
        # It may have crossed the answer of an earlier job.
        if (held := self._held) is not None and held.job.id in job_ids:
            held.request_cancel()

    def _make_context(self, held: HeldJob) -> JobContext:
        assert self._job is not None
        return _ToldContext(
            self._job,
            tell=self._channel.send,
            attempted_at=held.attempted_at,
            store=self._context_store,
            cancelled=held.cancelled,
            lease_lost=held.lease_lost,
            lease_in_doubt=self._membership.is_in_doubt,
        )

    def _watch_lease(self) -> None:
        """End the process with the lease, should the worker be unable to."""
        looks_in_vain = 0
        while not _NEVER.wait(LOOK_SHARE * self._lease_seconds):
            looks_in_vain = looks_in_vain + 1 if self._lease_is_ending() else 0
            # Once is no proof: a handler that held the interpreter kept us from hearing of beats.
            if looks_in_vain > 1:
                os.kill(os.getpid(), signal.SIGALRM)

    def _lease_is_ending(self) -> bool:
        renewed_at = self._membership.renewed_at
        if self._held is None or renewed_at is None:
            return False
        return self._membership.moment() - renewed_at >= KILL_SHARE * self._lease_seconds

    def _answer(self, held: HeldJob, finished: FinishedJob) -> None:
        self._held = None
        self._context_store.close()
        self._send(finished.transition)

    def _send(self, transition: Transition) -> None:
        self._channel.flush(waits=True)
        self._channel.send(Ended(transition, resident_bytes()))
        self._channel.flush(waits=True)


def _leave_nothing_open(*, discard: bool) -> Sequence[str]:
    """Who waits for the next job needs no connection."""
    left_open = clean_thread(discard=discard)
    close_connections()
    return left_open
