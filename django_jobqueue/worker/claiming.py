"""The half of a worker that claims jobs and runs them: the pump, and all it is made of."""

import threading
from collections.abc import Callable, Sequence
from functools import partial

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.clock import monotonic
from django_jobqueue.jobs.context import JobContext
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.jobs.spooling import spool_of
from django_jobqueue.permits.chain import Chains
from django_jobqueue.permits.distributed import Declared, KnownLimits
from django_jobqueue.store import JobStore, store_for

from .admission import Admission, Policies
from .answers import Answers
from .asking import Asking
from .database_thread import DatabaseThread
from .draining import Drain
from .executor import Executor
from .hands import HeldJob, InHand
from .hearing import Hearing
from .hygiene import clean_async_thread, clean_between_jobs, close_connections
from .isolation import Isolation
from .job_processes import JobProcesses
from .kept_connections import close_kept
from .lease import RECONCILE_INTERVALS
from .leaving import Leaving
from .looking import Looking
from .loop_watch import LoopWatch
from .marks import Marks
from .membership import Membership
from .options import WorkerOptions
from .outbox import Outbox
from .pauses import Pauses
from .permitted import Permitted
from .pump import Pump
from .queues import ServedQueues
from .runners import EventLoopRunner, ThreadRunners
from .slots import Slots
from .telling import Telling
from .telling_apart import TellingApart
from .timeouts import TimeoutWatch, overtime
from .transactional import InTransaction
from .watching import Watching
from .watermarks import Watermarks

#: An idle pump looks by itself once in so many polls: its host polls for it.
POLLS_PER_LOOK = 5


class Claiming:
    """Makes the parts, and hands each what it needs of the others.

    `membership` says under which identity claims are made, `marks` is told what starts,
    `rescheduled` that a job waits for a time, `elapsed` tells how long held jobs have waited. With
    `until_empty`, the pump ends only while `others_are_idle`; in a quarantine it waits for more. It
    hears wake-ups with `hearing`.
    """

    def __init__(
        self,
        conf: JobQueueSettings,
        options: WorkerOptions,
        *,
        store: JobStore,
        membership: Membership,
        marks: Marks,
        rescheduled: Callable[[], object],
        others_are_idle: Callable[[], bool] = lambda: True,
        hearing: Hearing | None = None,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._conf, self._options, self._marks = conf, options, marks
        self._others_are_idle, self._hearing, self._elapsed = others_are_idle, hearing, elapsed
        self._watching, grace = Watching(), conf.timeout_grace.total_seconds()
        self._timeouts = TimeoutWatch(self._watching, grace=grace, marks=marks)
        self.in_hand, self.membership = InHand(cancelled=self._timeouts.cancel), membership
        self._store = _claiming_store(store, conf, suspects=options.suspects)
        # Not the handler's own connection: progress must be seen while its transaction is open.
        self._context_store = store.dedicated(prepared=conf.prepared_statements)
        self._watermarks = Watermarks(supported=self._store.supports_watermarks, elapsed=elapsed)
        self.queues, self._limits = self._served_queues(), self._known_limits()
        self._policies = Policies(conf.retry_policy, backoff_of_queue=self._limits.backoff_of_queue)
        self._isolation = self._make_isolation()
        self._executor = self._make_executor()
        self.database_thread = DatabaseThread(self._watching, grace=grace, events=options.events)
        self._event_loop = self._make_event_loop()
        self.pump = self._make_pump(rescheduled)
        self._executor.reports_to(self.pump.report)

    def _served_queues(self) -> ServedQueues:
        return ServedQueues(
            self._store,
            configured=self._options.queues,
            strict=self._options.strict,
            freeing=self.in_hand.freeing_queues,
            known=lambda: self._watermarks.known,
            refresh_seconds=_poll_seconds(self._conf),
        )

    def _known_limits(self) -> KnownLimits:
        return KnownLimits(
            self._store,
            declared=partial(_declared_limits, self._options.registry),
            running=self.in_hand.running,
            refresh_seconds=_poll_seconds(self._conf),
        )

    def close(self) -> None:
        """Let go of what outlives the pump; after its end."""
        self._watching.stop()
        self._isolation.stop()
        self._context_store.close()
        if self._hearing is not None:
            self._hearing.close()

    def _make_executor(self) -> Executor:
        def make_context(held: HeldJob) -> JobContext:
            return JobContext(
                held.job,
                attempted_at=held.attempted_at,
                store=self._context_store,
                cancelled=held.cancelled,
                lease_lost=held.lease_lost,
                lease_in_doubt=self.membership.is_in_doubt,
            )

        events, answers = self._options.events, Answers(self._policies)
        return Executor(
            answers=answers,
            make_context=make_context,
            timeouts=self._timeouts,
            clean_thread=clean_between_jobs,
            in_transaction=InTransaction(
                store_for(self._store.using), answers=answers, lease=self._conf.lease, events=events
            ),
            loop_watch=LoopWatch(self._watching, events=events),
            marks=self._marks,
            events=events,
            lease_in_doubt=self.membership.is_in_doubt,
            isolation=self._isolation,
            permitted=self._make_permitted(answers),
        )

    def _make_isolation(self) -> Isolation:
        conf, events = self._conf, self._options.events
        return Isolation(
            JobProcesses(lease=conf.lease, recycling=self._options.recycling, events=events),
            membership=self.membership,
            lease=conf.lease,
            grace=conf.timeout_grace.total_seconds(),
            events=events,
            backoff_of_queue=self._limits.backoff_of_queue,
        )

    def _make_permitted(self, answers: Answers) -> Permitted:
        events = self._options.events
        return Permitted(
            # Where async handlers run: what they share with a strategy belongs to one loop.
            Chains(loop=lambda: self._event_loop.loop, at_end=close_connections, events=events),
            answers=answers,
            wait_seconds=self._conf.permit_wait.total_seconds(),
            events=events,
        )

    def _make_admission(self) -> Admission:
        return Admission(
            registry=self._options.registry,
            policies=self._policies,
            unknown_handler_grace=self._conf.unknown_handler_grace,
        )

    def _make_pump(self, rescheduled: Callable[[], object]) -> Pump:
        slots, poll_seconds = self._make_slots(), _poll_seconds(self._conf)
        looking = _make_looking(self._conf, until_empty=self._options.until_empty)
        outbox = self._make_outbox(slots, rescheduled)
        lingers = self._options.suspects and not self._options.until_empty
        if self._hearing is not None:
            heard, in_hand = self._store.notifications(), self.in_hand
            self._hearing.listens_with(heard, is_busy=lambda: len(in_hand) > 0)
        return Pump(
            store=self._store,
            membership=self.membership,
            in_hand=self.in_hand,
            slots=slots,
            queues=self.queues,
            asking=self._make_asking(slots, outbox, looking),
            prepare=self._make_admission().prepare,
            outbox=outbox,
            looking=looking,
            pauses=Pauses(self._store, in_hand=self.in_hand, slots=slots, seconds=poll_seconds),
            drain=self._make_drain(slots, outbox),
            poll_seconds=poll_seconds,
            until_empty=self._options.until_empty,
            others_are_idle=self._others_are_idle,
            at_rest=self._let_go_of_connections if lingers else None,
            wake=self._hearing or threading.Event(),
        )

    def _make_asking(self, slots: Slots, outbox: Outbox, looking: Looking) -> Asking:
        return Asking(
            slots=slots,
            limits=self._limits,
            outbox=outbox,
            looking=looking,
            watermarks=self._watermarks,
            tell=self.queues.tell,
            answer_within=RECONCILE_INTERVALS * self._conf.heartbeat_interval.total_seconds(),
            elapsed=self._elapsed,
        )

    def _let_go_of_connections(self) -> None:
        self._store.close()
        self._context_store.close()

    def _make_outbox(self, slots: Slots, rescheduled: Callable[[], object]) -> Outbox:
        def settled(jobs: Sequence[HeldJob]) -> None:
            self._marks.erase((held.place, held.job.id) for held in jobs)
            slots.settled(jobs)

        return Outbox(
            store=self._store,
            in_hand=self.in_hand,
            events=self._options.events,
            settled=settled,
            # What was just written may be due before the promoter would look again.
            rescheduled=rescheduled,
            telling=self._make_telling(),
        )

    def _make_telling(self) -> Telling:
        return TellingApart(self._options.events, elapsed=self._elapsed)

    def _make_drain(self, slots: Slots, outbox: Outbox) -> Drain:
        return Drain(
            in_hand=self.in_hand,
            slots=slots,
            outbox=outbox,
            release=self._timeouts.release,
            events=self._options.events,
            seconds=self._conf.drain.total_seconds(),
            leaving=Leaving(spool_of(self._conf), events=self._options.events),
        )

    def _make_event_loop(self) -> EventLoopRunner:
        return EventLoopRunner(
            self._conf.async_concurrency,
            self._executor.perform_async,
            tidy=clean_async_thread,
            at_end=self.database_thread.end,
            context=self.database_thread.make_context(),
        )

    def _make_slots(self) -> Slots:
        run, rest = self._executor.perform, partial(close_kept, for_next_job_only=True)
        threads = ThreadRunners(self._conf.concurrency, run, at_rest=rest, at_end=close_connections)
        return Slots(sync=threads, asynchronous=self._event_loop, alone=self._options.suspects)


def _claiming_store(store: JobStore, conf: JobQueueSettings, *, suspects: bool) -> JobStore:
    return store.dedicated(
        prepared=conf.prepared_statements,
        suspects=suspects,
        overtime=overtime(conf.timeout_grace),
    )


def _make_looking(conf: JobQueueSettings, *, until_empty: bool) -> Looking:
    poll_seconds, polls = _poll_seconds(conf), 1 if until_empty else POLLS_PER_LOOK
    return Looking(
        poll_seconds=poll_seconds,
        longest_seconds=polls * poll_seconds,
        debounce_seconds=conf.notify_debounce.total_seconds(),
    )


def _poll_seconds(conf: JobQueueSettings) -> float:
    return conf.poll_interval.total_seconds()


def _declared_limits(registry: Registry) -> Declared:
    return [(one.limits, (one.name, *one.aliases)) for one in registry if one.is_limited]
