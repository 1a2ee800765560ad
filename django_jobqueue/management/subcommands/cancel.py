from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.core.health import counted
from django_jobqueue.jobs import control
from django_jobqueue.jobs.matching import matching

from .base import NOT_DONE, Answer, Subcommand
from .options import add_criteria, criteria_of


class CancelSubcommand(Subcommand):
    name = "cancel"
    about = "cancel waiting jobs, and ask running ones to stop; exit status 1 if there are none"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_criteria(parser)
        parser.add_argument("--dry-run", action="store_true", help="only tell how many there are")

    def run(self, options: Mapping[str, Any]) -> Answer:
        criteria = criteria_of(options)
        if options["dry_run"]:
            found = matching(*options["ids"], **criteria)
            waiting, running = counted(found.waiting), counted(found.running)
            return Answer(
                facts=found,
                text=f"{waiting} would be cancelled, {running} running would be asked to stop",
                status=0 if found.waiting or found.running else NOT_DONE,
            )
        done = control.cancel(*options["ids"], reason=options["why"], **criteria)
        return Answer(
            facts=done,
            text=f"{done.cancelled:,} cancelled, {done.asked:,} running asked to stop",
            status=0 if done.cancelled or done.asked else NOT_DONE,
        )
