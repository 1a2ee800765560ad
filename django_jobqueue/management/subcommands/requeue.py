from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.core.states import FINAL_STATES, JobState
from django_jobqueue.jobs import control
from django_jobqueue.jobs.control import Requeued

from .base import NOT_DONE, Answer, Subcommand
from .discard import add_death, death_of
from .options import add_criteria, criteria_of, some
from .printing import ids_text


class RequeueSubcommand(Subcommand):
    name = "requeue"
    about = (
        "bring dead letters back to life, or archived jobs as new ones; exit status 1 if there "
        "are none, or some were refused"
    )
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_criteria(parser)
        add_death(parser)
        parser.add_argument(
            "--state",
            choices=[state.value for state in FINAL_STATES],
            help="jobs that ended so (default: dead letters, or whatever the ids name)",
        )
        parser.add_argument("--limit", type=some, metavar="N", help="at most so many")
        parser.add_argument(
            "--rate", metavar="RATE", help="due one after another, 100/m, and not all at once"
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        done = control.requeue(
            *options["ids"],
            state=None if options["state"] is None else JobState(options["state"]),
            death=death_of(options),
            limit=options["limit"],
            rate=options["rate"],
            **criteria_of(options),
        )
        is_whole = done.ids and not done.refused
        return Answer(facts=done, text="\n".join(_told(done)), status=0 if is_whole else NOT_DONE)


def _told(done: Requeued) -> Iterator[str]:
    yield f"{len(done.ids):,} requeued" + (f": {ids_text(done.ids)}" if done.ids else "")
    if done.refused:
        ids = ids_text(done.refused)
        yield f"{len(done.refused):,} refused, another live job holds their unique key: {ids}"
