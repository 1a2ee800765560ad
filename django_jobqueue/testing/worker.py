"""A worker that lives as long as a call of run_jobs: each of its duties in turn, in one thread."""

import os
import socket
from asyncio import CancelledError
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self

from django_jobqueue import __version__, conf
from django_jobqueue.core.errors import JobInterrupt
from django_jobqueue.core.specs import ClaimedJob, Transition, WorkerIdentity
from django_jobqueue.service import StopSender
from django_jobqueue.store import Claims
from django_jobqueue.worker.assembly import NOBODY
from django_jobqueue.worker.lease import Lease
from django_jobqueue.worker.options import WorkerOptions
from django_jobqueue.worker.overdue import Overdue
from django_jobqueue.worker.promoter import Promoter
from django_jobqueue.worker.reaper import Reaper
from django_jobqueue.worker.scheduler import Scheduler
from django_jobqueue.worker.telling import EVENTS, RESCHEDULED

from .claiming import ClaimingInTest, Errors, SteadyMembership
from .runs import JobRun, outcome_of, run_of
from .stores import store_of_test
from .transactions import TransactionsOfTest

#: Duties are asked when they are next due, and never sleep.
NEVER = timedelta(days=36_500)
FAILED = "pump.database_failed"
#: What ends an attempt and no more. The rest is meant for the test, which runs in the same thread:
#: who presses Ctrl-C, and the outcomes of pytest, those of its timeouts among them.
_OF_THE_JOB = (Exception, JobInterrupt, SystemExit, GeneratorExit, CancelledError)


class _Heard:
    """Keeps what the pump tells, until it is asked: who listens must not raise."""

    def __init__(self) -> None:
        self.written: list[tuple[ClaimedJob, Transition]] = []
        self.failure: BaseException | None = None

    def __call__(self, name: str, facts: Mapping[str, Any]) -> None:
        if name == FAILED:
            self.failure = facts["error"]
        else:
            self.written.append((facts["job"], facts["transition"]))

    def wants(self, name: str) -> bool:
        return name in (*EVENTS.values(), RESCHEDULED, FAILED)


class _InHands:
    """What all of them hold, under one lease."""

    claims_age = timedelta(0)

    def __init__(self, claiming: list[ClaimingInTest]) -> None:
        self._claiming = claiming

    def __len__(self) -> int:
        return sum(len(one.in_hand) for one in self._claiming)

    def claims(self) -> Claims:
        return [claim for one in self._claiming for claim in one.in_hand.claims()]

    def request_cancel(self, job_ids: Iterable[int]) -> None:
        ids = tuple(job_ids)
        for one in self._claiming:
            one.in_hand.request_cancel(ids)

    def lose_leases(self) -> int:
        return sum(one.in_hand.lose_leases() for one in self._claiming)


class WorkerOfTest:
    """Registered within its block; at the end, what it holds is given back."""

    def __init__(self, *, queues: Sequence[str], concurrency: int) -> None:
        # What is held when a run ends is given back at once, and never to the host's spool.
        self._conf = replace(
            conf.current(), concurrency=concurrency, drain=timedelta(0), spool=None
        )
        self._options = WorkerOptions(queues=queues)
        self._store = store_of_test(self._conf.database)
        self._suspects = self._store.dedicated(suspects=True)
        self._membership = SteadyMembership(lease=self._conf.lease)
        self._transactions, self._heard = TransactionsOfTest(), _Heard()
        self._errors: Errors = {}
        #: What claims; in the second place, once there are suspects, their quarantine.
        self._claiming: list[ClaimingInTest] = []
        self._in_hand = _InHands(self._claiming)
        self._promoter, self._scheduler = self._make_promoter(), self._make_scheduler()
        self._reaper, self._lease = self._make_reaper(), self._make_lease()
        self._open = ExitStack()
        #: As of the last look: seconds until something is due, None if nothing ever will be; and
        #: whether anything was written or claimed, so that another look may find more.
        self.next_due_in: float | None = None
        self.is_busy = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._transactions.emulated())
            self._lease.renew()
            stack.callback(self._lease.say_good_bye)
            self._options.events.subscribe(self._heard, wants=self._heard.wants)
            stack.callback(self._options.events.unsubscribe, self._heard)
            stack.callback(self._give_back)
            self._claiming.append(self._make_claiming(self._options))
            self._open = stack.pop_all()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._open.__exit__(*raised)

    def _give_back(self) -> None:
        stop = StopSender()
        stop.send()
        for one in self._claiming:
            try:
                one.pump.run(stop.receiver())
            finally:
                one.close()

    def look(self) -> list[JobRun]:
        """Do every duty once, write what has ended, and claim; return what was written."""
        self._lease.renew()
        waits = [self._promoter.tick(), self._scheduler.tick()]
        known = [seconds for seconds in waits if seconds is not None]
        self.next_due_in = min(known) if known else None
        if not len(self._in_hand):
            self._reaper.tick()
        claimed = sum(self._exchange(one) for one in self._claiming)
        if not claimed and len(self._claiming) == 1 and self._suspects.queues_with_ready_jobs():
            self._claiming.append(self._make_claiming(replace(self._options, suspects=True)))
            claimed = self._exchange(self._claiming[-1])
        written, self._heard.written = self._heard.written, []
        self.is_busy = bool(claimed or written)
        return [
            self._run(job, outcome)
            for job, transition in written
            if (outcome := outcome_of(transition)) is not None
        ]

    def run_next(self) -> bool:
        """Run a job that was claimed; return whether there was one."""
        all_runners = [runners for one in self._claiming for runners in one.runners]
        runners = min(all_runners, key=lambda one: one.place_of_first)
        if not runners.waiting():
            return False
        runners.run_first()
        for error in self._errors.values():
            if not isinstance(error, _OF_THE_JOB):
                raise error
        return True

    def _exchange(self, claiming: ClaimingInTest) -> int:
        claiming.pump.wake()
        claimed = claiming.pump.tick()
        if self._heard.failure is not None:
            raise self._heard.failure
        return claimed

    def _run(self, job: ClaimedJob, outcome: str) -> JobRun:
        error = self._errors.pop((job.id, job.claim_token), None)
        return run_of(job, outcome, error=error, snapshot=self._store.find(job.id))

    def _make_claiming(self, options: WorkerOptions) -> ClaimingInTest:
        return ClaimingInTest(
            self._conf,
            options,
            store=self._store,
            membership=self._membership,
            transactions=self._transactions,
            errors=self._errors,
        )

    def _make_promoter(self) -> Promoter:
        return Promoter(
            store=self._store,
            wake=_nobody_sleeps,
            notify=_nobody_else_listens,
            events=self._options.events,
            interval=NEVER,
        )

    def _make_scheduler(self) -> Scheduler:
        return Scheduler(
            store=self._store,
            declare=lambda: None,
            wake=_nobody_sleeps,
            notify=_nobody_else_listens,
            events=self._options.events,
            interval=NEVER,
            missed_after=self._conf.missed_after,
        )

    def _make_reaper(self) -> Reaper:
        events = self._options.events
        return Reaper(
            store=self._store,
            overdue=Overdue(
                store=self._store,
                registry=self._options.registry,
                defaults=self._conf.retry_policy,
                events=events,
            ),
            membership=self._membership,
            wake=_nobody_sleeps,
            notify=_nobody_else_listens,
            events=events,
            interval=NEVER,
        )

    def _make_lease(self) -> Lease:
        return Lease(
            self._in_hand,
            membership=self._membership,
            store=self._store,
            identity=WorkerIdentity(
                id=NOBODY,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=__version__,
                queues=tuple(self._options.queues),
                handlers=self._options.registry.names,
                concurrency=self._conf.concurrency,
            ),
            interval=self._conf.heartbeat_interval,
            lease=self._conf.lease,
            events=self._options.events,
        )


def _nobody_sleeps() -> None:
    """The pump looks in any case."""


def _nobody_else_listens(queues: Sequence[str]) -> None:
    """What the test's transaction holds, no other worker sees."""
