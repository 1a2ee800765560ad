"""What runs in a child process: the claiming half of a worker, and its line to the supervisor."""

import dataclasses
import os
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django_jobqueue import conf
from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.figures import Figures
from django_jobqueue.events import events
from django_jobqueue.service import Service, ServiceFailed, ServiceTask, StopSender, TickingTask
from django_jobqueue.store import store_for

from .claiming import Claiming
from .draining import GIVEN_UP
from .hands import InHand
from .hygiene import close_connections
from .marks import StartedMarks
from .membership import Membership
from .messages import (
    Ask,
    Beat,
    Begin,
    CancelRequested,
    Channel,
    Counted,
    DeclaredDead,
    Here,
    Holding,
    Hurry,
    Loaded,
    Polling,
    Rescheduled,
    Retire,
    Retiring,
    Stop,
    Wake,
)
from .options import AFTER_DRAIN_SECONDS, Recycling, WorkerOptions
from .retirement import Retirement


class Reporting(TickingTask):
    """Tells the supervisor what is in hand, so that it releases nothing of that."""

    id = "reporting"

    def __init__(self, channel: Channel, in_hand: InHand, *, interval: timedelta) -> None:
        super().__init__(interval=interval.total_seconds())
        self._channel, self._in_hand = channel, in_hand

    def tick(self) -> None:
        at, claims = monotonic(), dict[Any, list[int]]()
        for job_id, token in self._in_hand.claims():
            claims.setdefault(token, []).append(job_id)
        self._channel.send(Holding(at=at, claims=claims))


class Counting(TickingTask):
    """Hands the supervisor what was counted here: one worker has one set of metrics."""

    id = "counting"

    def __init__(self, channel: Channel, figures: Figures) -> None:
        super().__init__(interval=1.0)
        self._channel, self._figures = channel, figures

    def tick(self) -> None:
        if (changes := self._figures.take()) and not self._channel.send(Counted(changes)):
            self._figures.add(changes)  # it takes nothing now, and may later


class SupervisedChild:
    """The child, put together from what the supervisor told it first."""

    def __init__(self, begin: Begin, channel: Channel) -> None:
        self._channel = channel
        settings = dataclasses.replace(
            conf.current(),
            concurrency=begin.concurrency,
            async_concurrency=begin.async_concurrency,
        )
        options = _options_of(begin)
        self._counting = Counting(channel, options.figures) if settings.metrics else None
        self._stop, self._membership = StopSender(), Membership(lease=settings.lease)
        self._claiming = Claiming(
            settings,
            options,
            store=store_for(settings.database),
            membership=self._membership,
            marks=StartedMarks(begin.marks_fileno, slots=begin.marks_slots),
            rescheduled=lambda: channel.send(Rescheduled()),
        )
        self._service = Service(
            self._tasks(options, reports_every=settings.heartbeat_interval),
            shutdown_timeout=settings.drain.total_seconds() + AFTER_DRAIN_SECONDS,
            hook_timeout=settings.shutdown_timeout.total_seconds(),
            after_thread=close_connections,
        )

    def _tasks(self, options: WorkerOptions, *, reports_every: timedelta) -> list[ServiceTask]:
        pump = self._claiming.pump
        return [
            *([] if self._counting is None else [self._counting]),
            pump,
            Reporting(self._channel, self._claiming.in_hand, interval=reports_every),
            Retirement(
                options.recycling,
                finished=lambda: pump.finished,
                leaked=lambda: pump.leaked + self._claiming.database_thread.given_up,
                retire=self._retire,
            ),
        ]

    def run(self, messages: Iterator[Any]) -> int:
        """Obey the supervisor until the pump has drained; return the exit status."""
        for name, target in (("supervisor", self._obey), ("polling", self._tell_polling)):
            arguments = (messages,) if target == self._obey else ()
            threading.Thread(
                target=target, args=arguments, name=f"jobqueue-{name}", daemon=True
            ).start()
        self._channel.send(Loaded())
        status = 0
        try:
            self._service.run(self._stop.receiver())
        except ServiceFailed as failure:
            sys.stderr.write(f"{failure}\n")
            status = 1
        if self._counting is not None:
            self._counting.tick()  # what came after its last round
        if self._claiming.pump.abandoned:
            # Handlers that did not end in time still hold their threads: do not wait for them.
            sys.stderr.write(f"{GIVEN_UP}\n")
            sys.stderr.flush()
            os._exit(status)
        self._claiming.close()
        return status

    def _tell_polling(self) -> None:
        self._claiming.pump.polling.wait()
        self._channel.send(Polling())

    def _retire(self, why: str) -> None:
        self._claiming.pump.retire()
        self._channel.send(Retiring(why))

    def _obey(self, messages: Iterator[Any]) -> None:
        pump, in_hand = self._claiming.pump, self._claiming.in_hand
        for message in messages:
            match message:
                case Beat(worker_id=worker_id, at=at):
                    self._membership.adopted(worker_id, at)
                case Wake(queue=queue):
                    pump.wake(queue)
                case CancelRequested(job_ids=job_ids):
                    in_hand.request_cancel(job_ids)
                case DeclaredDead():
                    in_hand.lose_leases()
                    self._membership.replaced()
                case Retire(why=why):
                    self._retire(why)
                case Stop():
                    self._stop.send()
                case Hurry():
                    pump.hurry()
                case Ask():
                    self._channel.send(Here())
        # The supervisor is gone, and with it the heartbeat: nothing here may outlive it for long.
        events.emit("child.orphaned", pid=os.getpid())
        self._stop.send()
        pump.hurry()


def _options_of(begin: Begin) -> WorkerOptions:
    age = begin.max_age_seconds
    return WorkerOptions(
        queues=begin.queues,
        strict=begin.strict,
        until_empty=begin.until_empty,
        suspects=begin.suspects,
        recycling=Recycling(
            jobs=begin.max_jobs,
            memory_bytes=begin.max_memory_bytes,
            age=None if age is None else timedelta(seconds=age),
        ),
    )
