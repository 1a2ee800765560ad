from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.core.visible import visible
from django_jobqueue.core.why import Why
from django_jobqueue.jobs.why import why

from .base import Answer, Subcommand
from .options import job_id


class WhySubcommand(Subcommand):
    name = "why"
    about = "tell everything that keeps a job from running"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=job_id, metavar="ID", help="the id of the job")

    def run(self, options: Mapping[str, Any]) -> Answer:
        found = why(options["id"])
        return Answer(facts=found, text=visible("\n".join(_told(found))))


def _told(found: Why) -> Iterator[str]:
    yield f"job {found.job_id}, {found.handler!r} in queue {found.queue!r}, is {found.state}:"
    for blocker in found.blockers:
        error = f" (last failure: {blocker.error})" if blocker.error else ""
        yield f"- {blocker.told}{error}"
    if not found.blockers:
        yield "- nothing keeps it: a worker will take it at its next look"
