from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.core.health import counted
from django_jobqueue.core.states import DeathReason
from django_jobqueue.jobs import control
from django_jobqueue.jobs.matching import matching

from .base import NOT_DONE, Answer, Subcommand
from .options import add_criteria, criteria_of


class DiscardSubcommand(Subcommand):
    name = "discard"
    about = "delete dead letters for good; exit status 1 if there are none"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_criteria(parser)
        add_death(parser)
        parser.add_argument("--dry-run", action="store_true", help="only tell how many there are")

    def run(self, options: Mapping[str, Any]) -> Answer:
        criteria, death = criteria_of(options), death_of(options)
        if options["dry_run"]:
            found = matching(*options["ids"], death=death, **criteria)
            text = f"dead letters that would be deleted: {counted(found.dead)}"
            status = 0 if found.dead else NOT_DONE
            return Answer(facts={"dead": found.dead}, text=text, status=status)
        count = control.discard(*options["ids"], death=death, **criteria)
        return Answer(
            facts={"discarded": count},
            text=f"dead letters deleted: {count:,}",
            status=0 if count else NOT_DONE,
        )


def add_death(parser: CommandParser) -> None:
    """Add the option that narrows dead letters to one reason."""
    parser.add_argument(
        "--death",
        choices=[reason.value for reason in DeathReason],
        help="only dead letters of this reason",
    )


def death_of(options: Mapping[str, Any]) -> DeathReason | None:
    return None if options["death"] is None else DeathReason(options["death"])
