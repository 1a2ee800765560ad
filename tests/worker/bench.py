"""A pump on a bench: a real store, and runners that a test works by hand."""

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from django_jobqueue import job
from django_jobqueue.core.limits import HandlerLimits
from django_jobqueue.core.specs import FinishedJob, NewJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.permits.distributed import KnownLimits
from django_jobqueue.store import JobStore, store_for
from django_jobqueue.worker.asking import Asking
from django_jobqueue.worker.draining import Drain
from django_jobqueue.worker.hands import HeldJob, InHand
from django_jobqueue.worker.looking import Looking
from django_jobqueue.worker.membership import Membership
from django_jobqueue.worker.outbox import Outbox
from django_jobqueue.worker.pauses import Pauses
from django_jobqueue.worker.pump import Prepare, Pump
from django_jobqueue.worker.queues import ServedQueues
from django_jobqueue.worker.slots import Slots
from django_jobqueue.worker.watermarks import Watermarks
from tests.store.helpers import register_worker

from .site import Told

registry = Registry()
LEASE = timedelta(seconds=30)


@job(name="tests.sync", registry=registry)
def work() -> None: ...


@job(name="tests.other", registry=registry)
def other() -> None: ...


@job(name="tests.async", registry=registry)
async def work_async() -> None: ...


class Time:
    """Elapsed seconds, as a test lets them pass."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def passes(self, seconds: float) -> None:
        self.seconds += seconds


class HandRunners:
    """Runners whose jobs begin in order as slots are free, and end when the test says so."""

    is_stuck = False

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.running: list[HeldJob] = []
        self.parked: list[HeldJob] = []

    def start(self) -> None: ...

    def submit(self, jobs: Sequence[HeldJob]) -> None:
        self.parked += jobs
        self.fill()

    def fill(self) -> None:
        while self.parked and len(self.running) < self.slots:
            self.running.append(self.parked.pop(0))

    def take_back(self) -> list[HeldJob]:
        taken, self.parked = self.parked, []
        return taken

    def waiting(self) -> int:
        return len(self.parked)

    def stop(self, *, timeout: float) -> bool:
        return not self.running


class Bench:
    """A pump and what it works with. `time` passes for all of it, unless `elapsed` is real."""

    def __init__(
        self,
        *,
        store: JobStore | None = None,
        sync_slots: int = 2,
        async_slots: int = 2,
        elapsed: Callable[[], float] | None = None,
        prepare: Prepare = lambda job: registry.get(job.handler),
        **options: Any,
    ) -> None:
        self.time, self.told, self.bus = Time(), Told(), EventBus()
        self.rescheduled: list[bool] = []
        self.bus.subscribe(self.told)
        elapsed, self.store = elapsed or self.time, store or store_for("default")
        self.membership = Membership(lease=LEASE, elapsed=elapsed)
        register_worker(worker_id=self.membership.worker_id)
        self.membership.renewed(self.membership.moment())
        self.sync, self.asynchronous = HandRunners(sync_slots), HandRunners(async_slots)
        self.in_hand = InHand()
        self.watermarks = Watermarks(supported=self.store.supports_watermarks, elapsed=elapsed)
        self.slots = Slots(sync=self.sync, asynchronous=self.asynchronous, elapsed=elapsed)
        self.outbox = Outbox(
            store=self.store,
            in_hand=self.in_hand,
            events=self.bus,
            settled=self.slots.settled,
            rescheduled=lambda: self.rescheduled.append(True),
            elapsed=elapsed,
        )
        self.pump = self.pump_with(prepare, elapsed, **options)

    def pump_with(
        self,
        prepare: Prepare,
        elapsed: Callable[[], float],
        *,
        queues: Sequence[str] = (),
        strict: bool = False,
        drain_seconds: float = 10.0,
        poll_seconds: float = 1.0,
        debounce: float = math.inf,
        **more: Any,
    ) -> Pump:
        held: dict[str, Any] = {"in_hand": self.in_hand, "slots": self.slots}
        looking = Looking(poll_seconds=poll_seconds, debounce_seconds=debounce, elapsed=elapsed)
        served = self.served_of(queues, strict, elapsed)
        return Pump(
            store=self.store,
            membership=self.membership,
            **held,
            outbox=self.outbox,
            queues=served,
            asking=self.asking_with(looking, elapsed, tell=served.tell),
            prepare=prepare,
            looking=looking,
            pauses=Pauses(self.store, **held, seconds=poll_seconds, elapsed=elapsed),
            drain=self.drain_of(drain_seconds, elapsed),
            poll_seconds=poll_seconds,
            wake=threading.Event(),
            **more,
        )

    def served_of(
        self, queues: Sequence[str], strict: bool, elapsed: Callable[[], float]
    ) -> ServedQueues:
        return ServedQueues(
            self.store,
            configured=queues,
            strict=strict,
            freeing=self.in_hand.freeing_queues,
            known=lambda: self.watermarks.known,
            refresh_seconds=1,
            elapsed=elapsed,
        )

    def asking_with(
        self,
        looking: Looking,
        elapsed: Callable[[], float],
        *,
        tell: Callable[[str], object],
    ) -> Asking:
        self.handler_limits: list[HandlerLimits] = []  #: as if they were declared
        self.limits = KnownLimits(
            self.store,
            declared=lambda: [
                *((one.limits, [one.name]) for one in registry if one.is_limited),
                *((one, [one.name]) for one in self.handler_limits),
            ],
            running=self.in_hand.running,
            elapsed=elapsed,
        )
        return Asking(
            slots=self.slots,
            limits=self.limits,
            outbox=self.outbox,
            looking=looking,
            watermarks=self.watermarks,
            tell=tell,
            answer_within=10.0,
            elapsed=elapsed,
        )

    def drain_of(self, seconds: float, elapsed: Callable[[], float]) -> Drain:
        return Drain(
            in_hand=self.in_hand,
            slots=self.slots,
            outbox=self.outbox,
            events=EventBus(),
            seconds=seconds,
            elapsed=elapsed,
        )

    def enqueue(self, *, is_async: bool = False, **fields: Any) -> int:
        fields.setdefault("handler", "tests.async" if is_async else "tests.sync")
        return store_for("default").insert(NewJob(**fields)).id

    def end(self, held: HeldJob, **transition: Any) -> None:
        """Report one running job, as succeeded unless said otherwise."""
        runners = self.asynchronous if held.handler.is_async else self.sync
        runners.running.remove(held)
        runners.fill()
        wanted = Transition(**{"state": JobState.SUCCEEDED, **transition})
        self.pump.report(held, FinishedJob(held.job, wanted))

    def learn_that_jobs_are_quick(self, *, queues: Iterable[str] = ("default",)) -> None:
        """Run so many that jobs are claimed ahead from now on."""
        for _ in range(100):
            for queue in queues:
                self.enqueue(queue=queue)
            while self.pump.tick():
                self.time.passes(0.001)
                self.end_all()
            self.pump.wake()
            self.outbox.write()

    def look(self) -> None:
        """Let the pump take all it has room for."""
        self.pump.wake()
        while self.pump.tick():
            pass

    def end_all(self) -> None:
        for held in [*self.sync.running, *self.asynchronous.running]:
            self.end(held)

    @property
    def running(self) -> list[int]:
        """The ids of the jobs whose handlers run."""
        return [held.job.id for held in [*self.sync.running, *self.asynchronous.running]]

    def state_of(self, job_id: int) -> JobState:
        found = store_for("default").find(job_id)
        assert found is not None
        return found.state
