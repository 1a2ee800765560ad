"""Processes that run one job at a time, for handlers that are isolated: started when one is needed,
kept for the next.
"""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue

from django.conf import ENVIRONMENT_VARIABLE

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.errors import InvalidSettings
from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.events import EventBus

from .children import how_it_ended
from .messages import Channel, Ended, Message, Ready, Run, Setup
from .options import Recycling
from .spawning import LEAVE_SECONDS, names_settings, spawn

#: How long a process may live after the end of its line, before it is killed.
HUNG_UP_SECONDS = 1.0


class Gone(Message, frozen=True):
    """The process has ended; nobody but its worker says this. `status` is below 0 for a signal."""

    status: int

    @property
    def cause(self) -> str:
        return how_it_ended(self.status)


class JobProcess:
    """One process, as its worker sees it. `gone` is called, in a thread, when it has ended."""

    def __init__(self, setup: Setup, *, gone: Callable[["JobProcess", Gone], object]) -> None:
        self.is_ready = False  #: the site is imported
        self.is_busy = False  #: a job was given to it, and not answered
        self.jobs = 0  #: how many it has answered
        self.memory_bytes = 0  #: after the last of them
        self.idle_since = monotonic()
        self._tell_gone, self._is_leaving = gone, False
        self._heard: SimpleQueue[Message | None] = SimpleQueue()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._popen = spawn("django_jobqueue.worker.isolated", channel=theirs.fileno())
            except BaseException:
                ours.close()
                raise
        self._channel = Channel(ours, hears="job process")
        self._channel.send(setup)
        self._listener = threading.Thread(
            target=self._listen, name=f"jobqueue-job-process-{self.pid}", daemon=True
        )
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def has_ended(self) -> bool:
        return not self._listener.is_alive()

    @property
    def has_unsent(self) -> bool:
        """Whether it has not taken all that it was told."""
        return self._channel.has_unsent

    def run(self, job: ClaimedJob, *, handler: str, queue_backoff: str | None = None) -> None:
        """Have it run the job by the handler of that name; `hear` brings what comes of it."""
        self.is_busy = True
        self.tell(Run(handler, job, queue_backoff))

    def tell(self, message: Message) -> None:
        self._channel.send(message)

    def hear(self, timeout: float) -> Message | None:
        """Return what it says next, `Gone` at its end; None after `timeout` seconds, or when
        somebody has called `wake`.
        """
        self._channel.flush()
        try:
            message = self._heard.get(timeout=timeout)
        except Empty:
            return None
        match message:
            case Ready():
                self.is_ready = True
            case Ended(memory_bytes=memory_bytes):
                self.is_busy, self.memory_bytes = False, memory_bytes
                self.jobs += 1
        return message

    def wake(self) -> None:
        """Have who hears it look up; from any thread."""
        self._heard.put(None)

    def dismiss(self) -> None:
        """Let it end by itself, which it does in a few seconds."""
        self._is_leaving = True
        self._channel.close()

    def kill(self) -> None:
        """End it, and the programs that its job has started, as the system's `kill -9` does."""
        if self._popen.returncode is None:
            self._kill_group()

    def _kill_group(self) -> None:
        with suppress(OSError):  # it may be gone
            os.killpg(self.pid, signal.SIGKILL)

    def wait(self, timeout: float) -> bool:
        """Return whether it has ended within `timeout` seconds."""
        self._listener.join(timeout)
        return self.has_ended

    def _listen(self) -> None:
        try:
            for message in self._channel.messages():
                self._heard.put(message)
        finally:
            self._see_it_end()
            gone = Gone(self._popen.wait())
            self._channel.close()
            self._heard.put(gone)
            self._tell_gone(self, gone)

    def _see_it_end(self) -> None:
        """The line ends with the process, a moment before the system lets us know its status."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(LEAVE_SECONDS + 1.0 if self._is_leaving else HUNG_UP_SECONDS)
            if self._is_leaving:
                return
        self._kill_group()  # what it has started is not to go on without it


class JobProcesses:
    """Those of one worker; its threads share them, so that there are no more than jobs that run at
    once. `lease` is how long the worker is believed without a heartbeat.

    A process is not kept once it has run `MOST_JOBS`, or what `recycling` allows, or when nobody
    needed it for `idle_seconds`.
    """

    MOST_JOBS = 1_000
    DISMISSED_SECONDS, KILLED_SECONDS = 1.0, 1.0

    def __init__(
        self,
        *,
        lease: timedelta,
        recycling: Recycling,
        events: EventBus,
        idle_seconds: float = 60.0,
    ) -> None:
        self._lease, self._events, self._idle_seconds = lease, events, idle_seconds
        self._most_jobs = self.MOST_JOBS if recycling.jobs is None else recycling.jobs
        self._most_bytes = recycling.memory_bytes
        self._changing = threading.Lock()
        self._started: list[JobProcess] = []
        self._idle: list[JobProcess] = []
        self._wanted: SimpleQueue[Future[JobProcess] | None] = SimpleQueue()
        self._nurse: threading.Thread | None = None
        self._is_stopped = False

    def take(self) -> JobProcess:
        """Return one that nobody uses, started now if there is none; `give` it back.

        OSError or InvalidSettings if none can be started.
        """
        with self._changing:
            while self._idle:
                process = self._idle.pop()  # the last that was used, so that others can be let go
                if not process.has_ended:
                    return process
            wanted = self._order()
        return wanted.result()

    def give(self, process: JobProcess) -> None:
        """Nobody uses it any more; one that did not answer is killed."""
        if process.is_busy or not process.is_ready:
            process.kill()
            process.wait(self.KILLED_SECONDS)
            return
        process.idle_since = monotonic()
        with self._changing:
            if not self._is_stopped and not self._is_worn(process):
                self._idle.append(process)
                return
        process.dismiss()

    def stop(self) -> None:
        """End them all; none can be taken any more."""
        with self._changing:
            self._is_stopped = True
        if self._nurse is not None:
            self._wanted.put(None)
            self._nurse.join()

    def _end_all(self) -> None:
        for process in self._started:
            process.dismiss()
        for process in self._started:
            if not process.wait(self.DISMISSED_SECONDS):
                process.kill()
                process.wait(self.KILLED_SECONDS)

    def _is_worn(self, process: JobProcess) -> bool:
        too_much = self._most_bytes is not None and process.memory_bytes >= self._most_bytes
        return too_much or process.jobs >= self._most_jobs

    def _order(self) -> "Future[JobProcess]":
        if self._is_stopped:
            raise OSError("the worker is at its end")
        if not names_settings():
            raise InvalidSettings(
                f"a job process loads the settings that {ENVIRONMENT_VARIABLE} names, and it is "
                "not set"
            )
        wanted: Future[JobProcess] = Future()
        self._wanted.put(wanted)
        if self._nurse is None:
            self._nurse = threading.Thread(
                target=self._tend, name="jobqueue-job-processes", daemon=True
            )
            self._nurse.start()
        return wanted

    def _tend(self) -> None:
        """One thread starts them all, and lives as long as they do: the system ends a process with
        the thread that started it.
        """
        while True:
            try:
                if (wanted := self._wanted.get(timeout=self._idle_seconds)) is None:
                    return self._end_all()
            except Empty:
                self._let_go()
                continue
            try:
                wanted.set_result(self._start())
            except Exception as error:
                wanted.set_exception(error)

    def _start(self) -> JobProcess:
        setup = Setup(
            settings_module=os.environ[ENVIRONMENT_VARIABLE],
            lease_seconds=self._lease.total_seconds(),
            python_path=os.environ.get("PYTHONPATH"),
        )
        process = JobProcess(setup, gone=self._tell_gone)
        self._started = [one for one in self._started if not one.has_ended] + [process]
        self._events.emit("job_process.started", pid=process.pid)
        return process

    def _tell_gone(self, process: JobProcess, gone: Gone) -> None:
        self._events.emit("job_process.ended", pid=process.pid, cause=gone.cause, jobs=process.jobs)

    def _let_go(self) -> None:
        since = monotonic() - self._idle_seconds
        with self._changing:
            unused = [process for process in self._idle if process.idle_since <= since]
            self._idle = [process for process in self._idle if process not in unused]
        for process in unused:
            process.dismiss()
