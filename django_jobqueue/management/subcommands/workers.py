from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from django_jobqueue.core.snapshots import WorkerSnapshot
from django_jobqueue.core.states import WorkerState
from django_jobqueue.jobs.control import stop_worker
from django_jobqueue.jobs.listing import workers

from .base import NOT_DONE, Answer, Subcommand, SubcommandGroup
from .printing import table

_HEADERS = ("id", "host", "pid", "state", "queues", "running", "started", "last heartbeat")


class ListWorkers(Subcommand):
    name = "list"
    about = "tell which workers live"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="also those that stopped or died lately"
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        found = workers(living=not options["all"])
        return Answer(facts=found, text=table(_HEADERS, [_row(one) for one in found]))


class StopWorker(Subcommand):
    name = "stop"
    about = "ask a worker to stop as SIGTERM would; exit status 1 if it is not alive"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=UUID, metavar="ID", help="the id of the worker")

    def run(self, options: Mapping[str, Any]) -> Answer:
        asked = stop_worker(options["id"])
        return Answer(
            facts={"id": options["id"], "asked": asked},
            text=f"worker {options['id']} {'was asked to stop' if asked else 'is not alive'}",
            status=0 if asked else NOT_DONE,
        )


class WorkersSubcommand(SubcommandGroup):
    name = "workers"
    about = "list workers, and ask one to stop"
    parts = (ListWorkers(), StopWorker())


def _row(worker: WorkerSnapshot) -> tuple[object, ...]:
    state = str(worker.state)
    if worker.state is WorkerState.ALIVE:
        if not worker.has_lease:
            state = "lease lapsed"
        elif worker.stop_requested_at is not None:
            state = "stopping"
    return (
        worker.id,
        worker.host,
        worker.pid,
        state,
        ", ".join(worker.queues) or "all",
        worker.running,
        worker.started_at,
        worker.heartbeat_at,
    )
