from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.core.states import FINAL_STATES, WAITING_STATES, JobState
from django_jobqueue.jobs.removing import purge

from .base import NOT_DONE, Answer, Subcommand
from .options import add_criteria, criteria_of, seconds, some
from .printing import number


class PurgeSubcommand(Subcommand):
    name = "purge"
    about = (
        "delete archived jobs and dead letters for good, and cancel waiting jobs; exit status 1 "
        "if there are none"
    )
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_criteria(parser, ids=False)
        parser.add_argument(
            "--state",
            choices=[state.value for state in (*WAITING_STATES, *FINAL_STATES)],
            help="only jobs in this state",
        )
        parser.add_argument(
            "--older-than",
            type=seconds,
            metavar="SECONDS",
            help="only what ended, or waiting jobs that were enqueued, longer ago",
        )
        parser.add_argument("--limit", type=some, metavar="N", help="at most so many")
        parser.add_argument("--dry-run", action="store_true", help="only tell how many there are")

    def run(self, options: Mapping[str, Any]) -> Answer:
        done = purge(
            state=None if options["state"] is None else JobState(options["state"]),
            older_than=options["older_than"],
            limit=options["limit"],
            reason=options["why"],
            dry_run=options["dry_run"],
            **criteria_of(options),
        )
        dry_run = options["dry_run"]
        would = "would be " if dry_run else ""
        archived, dead, cancelled = (
            number(count, dry_run=dry_run) for count in (done.archived, done.dead, done.cancelled)
        )
        return Answer(
            facts=done,
            text=(
                f"{archived} archived jobs and {dead} dead letters {would}deleted, "
                f"{cancelled} waiting jobs {would}cancelled"
            ),
            status=0 if done.archived or done.dead or done.cancelled else NOT_DONE,
        )
