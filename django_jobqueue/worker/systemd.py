"""What systemd wants to know of a service of `Type=notify`.

https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

from django_jobqueue.service import ServiceTaskKind, StopReceiver, TickingTask


class SystemdNotify(TickingTask):
    """Says READY once jobs are looked for, STOPPING at the end, and in between, if the unit has a
    WatchdogSec, twice in each such span that it is well, while `is_well` says so.
    """

    id = "systemd"
    kind = ServiceTaskKind.UNCONSTRAINED_TASK
    #: How soon to see that the worker is ready.
    LOOK_SECONDS = 0.2

    def __init__(
        self,
        address: str,
        *,
        watchdog_seconds: float | None,
        polling: threading.Event,
        is_well: Callable[[], bool],
    ) -> None:
        super().__init__(interval=watchdog_seconds / 2 if watchdog_seconds else 3600.0, jitter=0.0)
        # A name that begins with @ is one of Linux's abstract ones.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._has_watchdog = watchdog_seconds is not None
        self._polling, self._is_well = polling, is_well
        self._said_ready = False

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str],
        *,
        polling: threading.Event,
        is_well: Callable[[], bool],
    ) -> Self | None:
        """Return the task that `environment` asks for; None outside of such a unit."""
        if not (address := environment.get("NOTIFY_SOCKET")):
            return None
        is_for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        microseconds = environment.get("WATCHDOG_USEC", "")
        return cls(
            address,
            watchdog_seconds=int(microseconds) / 1e6 if microseconds and is_for_us else None,
            polling=polling,
            is_well=is_well,
        )

    def run(self, stop: StopReceiver) -> None:
        try:
            super().run(stop)
        finally:
            with suppress(OSError):  # nobody is there to be told
                self._say("STOPPING=1")

    def tick(self) -> float | None:
        if not self._polling.is_set():
            return self.LOOK_SECONDS
        if not self._said_ready:
            self._say("READY=1")
            self._said_ready = True
        if self._has_watchdog and self._is_well():
            self._say("WATCHDOG=1")
        return None

    def _say(self, state: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.sendto(state.encode(), self._address)
