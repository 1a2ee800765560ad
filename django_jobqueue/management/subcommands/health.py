from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.core.health import SNAPSHOT_AGE, Health, HealthCheck, counted
from django_jobqueue.jobs.health import examine
from django_jobqueue.jobs.queue import Queue

from .base import Answer, Subcommand
from .options import count, seconds

UNHEALTHY = 1


class HealthSubcommand(Subcommand):
    name = "health"
    about = "tell whether workers live and keep up; exit status 1 if not"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--max-age", type=seconds, metavar="SECONDS", help="how long a ready job may wait"
        )
        parser.add_argument(
            "--max-backlog", type=count, metavar="N", help="how many jobs of a queue may be ready"
        )
        parser.add_argument(
            "--max-snapshot-age",
            type=seconds,
            default=SNAPSHOT_AGE,
            metavar="SECONDS",
            help="how long others may keep finished jobs from being vacuumed (default: 600)",
        )
        parser.add_argument(
            "--queue",
            action="append",
            default=[],
            metavar="NAME",
            help="look at this queue and its workers only; may be repeated (default: all)",
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        check = HealthCheck(
            queues=tuple(Queue(name).name for name in options["queue"]),
            max_age=options["max_age"],
            max_backlog=options["max_backlog"],
            max_snapshot_age=options["max_snapshot_age"],
        )
        health, complaints = examine(check)
        return Answer(
            facts={"healthy": not complaints, "complaints": complaints, "numbers": health},
            text="\n".join([*_told(health), *complaints, "unhealthy" if complaints else "healthy"]),
            status=UNHEALTHY if complaints else 0,
        )


def _told(health: Health) -> Iterator[str]:
    heartbeat, limit = health.oldest_heartbeat, health.count_limit
    age = "" if heartbeat is None else f", the oldest heartbeat {heartbeat:.1f} s ago"
    yield f"workers: {health.workers}{age}"
    yield f"dead letters in the last hour: {counted(health.dead_last_hour, limit=limit)}"
    if health.held_snapshot is not None and health.held_snapshot.age is None:
        yield f"the oldest snapshot, of unknown age, is held by {health.held_snapshot}"
    for queue in health.queues:
        ready = counted(queue.ready, limit=limit)
        paused = ", paused" if queue.is_paused else ""
        yield f"queue {queue.queue!r}: {ready} ready, for up to {queue.oldest_wait:.1f} s{paused}"
