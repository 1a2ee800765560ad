from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.jobs import control

from .base import NOT_DONE, Answer, Subcommand
from .options import job_id
from .printing import ids_text


class RetrySubcommand(Subcommand):
    name = "retry"
    about = (
        "run jobs again now that wait for a retry or are dead; exit status 1 if it could be done "
        "for some of them only"
    )
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", type=job_id, nargs="+", metavar="ID", help="the id of a job")

    def run(self, options: Mapping[str, Any]) -> Answer:
        ids = list(dict.fromkeys(options["ids"]))
        done = control.retry(*ids)
        told = [f"{done.count:,} of {len(ids):,} will run again now"]
        if done.refused:
            ids_refused = ids_text(done.refused)
            told.append(f"refused, another live job holds their unique key: {ids_refused}")
        return Answer(
            facts=done, text="\n".join(told), status=0 if done.count == len(ids) else NOT_DONE
        )
