"""A small framework for services: tasks in threads that start together and end together.

It is usable alone, and knows neither Django nor jobs. What always holds:

1. Nothing that waits for the preconditions starts before every one of them has returned. Where
   stop and the last of them come together, stop wins.
2. The first task that ends what must not end, or fails, stops all others. None of them is waited
   for longer than the shutdown timeout, and they are waited for at the same time.
3. Shutdown hooks run in order, whatever happened before.
4. Nothing that goes wrong is lost: an exception of any kind in a task or hook ends up in
   `ServiceFailed`, which says first who ended first and why.
5. Stop is sent once and never taken back. Everyone who waits is woken by it.
6. Elapsed time is monotonic; no wall clock is read.

A service of three tasks:

>>> from django_jobqueue.service import FunctionTask, Service, ServiceTaskKind, TaskError
>>> opened = []
>>> def database_is_there(stop):
...     opened.append("database")
>>> def serve(stop):
...     raise TaskError(f"{opened[0]} is gone")
>>> service = Service([
...     FunctionTask("database", database_is_there, kind=ServiceTaskKind.PRECONDITION),
...     FunctionTask("server", serve),
...     FunctionTask("metrics", lambda stop: stop.wait(), kind=ServiceTaskKind.UNCONSTRAINED_TASK),
... ])
>>> service.add_shutdown_hook("close", opened.clear)
>>> service.run()
Traceback (most recent call last):
    ...
django_jobqueue.service.errors.ServiceFailed: Service stopped: Task server failed: database is gone
>>> opened
[]
"""

from .errors import (
    DuplicateComponent,
    NoTasks,
    RegistrationFailed,
    ServiceError,
    ServiceFailed,
    ShutdownHookFailed,
    ShutdownHookTimedOut,
    TaskError,
    TaskFailed,
    TaskPanicked,
    TaskShutdownTimedOut,
)
from .health import HealthRegistry, HealthUpdater
from .loop import TickingTask
from .service import Service
from .signals import SignalTask
from .statuses import Check, Health, HealthReport, HealthStatus
from .stop import StopReceiver, StopSender
from .tasks import FunctionTask, ServiceTask, ServiceTaskKind
from .trouble import Trouble

__all__ = [
    "Check",
    "DuplicateComponent",
    "FunctionTask",
    "Health",
    "HealthRegistry",
    "HealthReport",
    "HealthStatus",
    "HealthUpdater",
    "NoTasks",
    "RegistrationFailed",
    "Service",
    "ServiceError",
    "ServiceFailed",
    "ServiceTask",
    "ServiceTaskKind",
    "ShutdownHookFailed",
    "ShutdownHookTimedOut",
    "SignalTask",
    "StopReceiver",
    "StopSender",
    "TaskError",
    "TaskFailed",
    "TaskPanicked",
    "TaskShutdownTimedOut",
    "TickingTask",
    "Trouble",
]
