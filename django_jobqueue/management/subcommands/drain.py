from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.jobs.queue import Queue

from .base import NOT_DONE, Answer, Subcommand
from .options import seconds


class DrainSubcommand(Subcommand):
    name = "drain"
    about = (
        "wait until no job of a queue runs and none is due; exit status 1 if there still are some "
        "after the timeout"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue", metavar="QUEUE", help="the name of the queue")
        parser.add_argument(
            "--timeout", type=seconds, metavar="SECONDS", help="give up then (default: never)"
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        queue, drained = Queue(options["queue"]), True
        try:
            queue.drain(options["timeout"])
        except TimeoutError:
            drained = False
        return Answer(
            facts={"queue": queue.name, "drained": drained},
            text=f"queue {queue.name!r} {'is drained' if drained else 'still has due work'}",
            status=0 if drained else NOT_DONE,
        )
