from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.core.clock import moment_text
from django_jobqueue.jobs.queue import Queue

from .base import NOT_DONE, Answer, Subcommand
from .options import moment


class PauseSubcommand(Subcommand):
    name = "pause"
    about = "let no further job of a queue start"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue", metavar="QUEUE", help="the name of the queue")
        parser.add_argument(
            "--until", type=moment, metavar="TIME", help="until then: 2026-01-31T12:00:00+00:00"
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        queue, until = Queue(options["queue"]), options["until"]
        queue.pause(options["why"], until=until)
        ends = "" if until is None else f" until {moment_text(until)}"
        return Answer(
            facts={"queue": queue.name, "paused": True, "until": until},
            text=f"queue {queue.name!r} is paused{ends}",
        )


class ResumeSubcommand(Subcommand):
    name = "resume"
    about = "let the jobs of a queue start again; exit status 1 if it was not paused"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue", metavar="QUEUE", help="the name of the queue")

    def run(self, options: Mapping[str, Any]) -> Answer:
        queue = Queue(options["queue"])
        resumed = queue.resume()
        return Answer(
            facts={"queue": queue.name, "resumed": resumed},
            text=f"queue {queue.name!r} {'goes on' if resumed else 'was not paused'}",
            status=0 if resumed else NOT_DONE,
        )
