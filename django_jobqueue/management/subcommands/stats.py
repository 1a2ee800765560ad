from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.core.health import QueueStats, counted
from django_jobqueue.jobs.health import queues_stats
from django_jobqueue.jobs.queue import Queue

from .base import Answer, Subcommand
from .printing import table

_HEADERS = (
    "queue",
    "ready",
    "scheduled",
    "blocked",
    "running",
    "dead",
    "oldest wait",
    "finished/min",
    "paused",
)


class StatsSubcommand(Subcommand):
    name = "stats"
    about = "tell the numbers of queues; counts stop at 10,000"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queue",
            action="append",
            default=[],
            metavar="NAME",
            help="of this queue only; may be repeated (default: all that have jobs or a row)",
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        stats = queues_stats([Queue(name).name for name in options["queue"]])
        return Answer(facts=stats, text=table(_HEADERS, [_row(one) for one in stats]))


def _row(stats: QueueStats) -> tuple[object, ...]:
    numbers = (stats.ready, stats.scheduled, stats.blocked, stats.running, stats.dead)
    paused = None if stats.paused_at is None else stats.pause_reason or "yes"
    return (
        stats.queue,
        *(counted(number) for number in numbers),
        f"{stats.oldest_wait:.1f} s",
        counted(stats.finished_last_minute),
        paused,
    )
