from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.jobs.queue import Queue
from django_jobqueue.jobs.queue_settings import QueueOptions

from .base import Answer, Subcommand
from .options import refused, seconds, some

#: What a line can say; a backoff is an object, and is set from code.
_SETTINGS: Mapping[str, tuple[Any, str, str]] = {
    "concurrency": (some, "N", "so many run at once in one process"),
    "max_running": (some, "N", "so many run at once in all"),
    "rate": (str, "RATE", "how often one may start, such as 100/m"),
    "rate_burst": (some, "N", "so many may start at once after a quiet time"),
    "max_attempts": (some, "N", "how many runs a job has"),
    "archive_retention": (seconds, "SECONDS", "how long archived jobs are kept"),
    "dead_retention": (seconds, "SECONDS", "how long dead letters are kept"),
}


class ConfigureSubcommand(Subcommand):
    name = "configure"
    about = "set what holds for a queue, whatever is said elsewhere; the rest stays as it is"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue", metavar="QUEUE", help="the name of the queue")
        for name, (read, metavar, about) in _SETTINGS.items():
            parser.add_argument(_flag(name), type=read, metavar=metavar, help=about)
        parser.add_argument(
            "--default",
            action="append",
            default=[],
            choices=[name.replace("_", "-") for name in QueueOptions.__annotations__],
            help="bring the default of this back; may be repeated",
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        queue = Queue(options["queue"])
        back = [name.replace("-", "_") for name in options["default"]]
        settings = {name: options[name] for name in _SETTINGS if options[name] is not None}
        if both := sorted(settings.keys() & set(back)):
            raise refused(f"{_flag(both[0])} is given, and its default too: leave one out")
        if not (settings or back):
            raise refused(f"this sets nothing: give one of {', '.join(map(_flag, _SETTINGS))}")
        changes: Any = {**settings, **dict.fromkeys(back)}
        queue.configure(**changes)
        named = ", ".join(name.replace("_", " ") for name in changes)
        return Answer(
            facts={"queue": queue.name, "set": changes},
            text=f"of queue {queue.name!r} was set: {named}",
        )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
