from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.core.queued import Misfit, MisfitExample, Queued, QueuedKind
from django_jobqueue.core.visible import visible
from django_jobqueue.jobs.queue import Queue
from django_jobqueue.jobs.queued import check_queued

from .base import Answer, Subcommand

MISFITS = 1
_PLURAL = {
    QueuedKind.JOB: "jobs",
    QueuedKind.BATCH: "batches",
    QueuedKind.SCHEDULE: "schedules",
    QueuedKind.TEMPLATE: "templates",
}


class CheckQueuedSubcommand(Subcommand):
    name = "check-queued"
    about = "tell what waits that this code cannot run; exit status 1 if there is any"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queue",
            action="append",
            default=[],
            metavar="NAME",
            help="look at what is for this queue only; may be repeated (default: all)",
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        found = check_queued({Queue(name).name for name in options["queue"]})
        return Answer(
            facts={
                "fits": not found.misfits,
                "looked_at": found.looked_at,
                "misfits": found.misfits,
            },
            text=visible("\n".join(_told(found))),
            status=MISFITS if found.misfits else 0,
        )


def _told(found: Queued) -> Iterator[str]:
    for misfit in found.misfits:
        yield f"{_number(misfit.kind, misfit.count)} of {misfit.handler!r}, {misfit.reason}:"
        for example in misfit.examples:
            yield f"- {_place(misfit, example)}: {example.why}"
    looked_at = ", ".join(_number(kind, count) for kind, count in found.looked_at.items())
    yield f"looked at {looked_at}: {'this code cannot run all' if found.misfits else 'all fit'}"


def _place(misfit: Misfit, example: MisfitExample) -> str:
    queue = f" in queue {example.queue!r}" if misfit.kind is QueuedKind.JOB else ""
    return f"{misfit.kind} {example.named!r}{queue}"


def _number(kind: QueuedKind, count: int) -> str:
    return f"{count:,} {kind if count == 1 else _PLURAL[kind]}"
