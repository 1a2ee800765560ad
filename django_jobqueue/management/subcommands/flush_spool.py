from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from django_jobqueue import conf
from django_jobqueue.worker.flusher import SpoolReport, flush_spool

from .base import Answer, Subcommand

SET_ASIDE = 1


class FlushSpoolSubcommand(Subcommand):
    name = "flush-spool"
    about = (
        "write what this host kept while the database was away; exit status 1 if some of it "
        "was set aside"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--retry",
            action="store_true",
            help="also what was set aside before, however old it is",
        )

        parser.add_argument(
            "--discard",
            type=UUID,
            action="append",
            default=[],
            metavar="RECEIPT",
            help="forget this entry, which was set aside; may be repeated",
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        report = flush_spool(conf.current(), retry=options["retry"], discard=options["discard"])
        return Answer(
            facts=report,
            text="\n".join(_told(report)),
            status=SET_ASIDE if report.set_aside else 0,
        )


def _told(report: SpoolReport) -> Iterator[str]:
    jobs, outcomes = report.jobs, report.outcomes
    yield (
        f"enqueues: {jobs.stored} stored, {jobs.stored_earlier} stored earlier, "
        f"{jobs.conflicts} given up for a unique key"
    )
    yield f"outcomes: {outcomes.written} written, {outcomes.stale} of them stale"
    for entry in report.set_aside:
        moment = entry.spooled_at.isoformat(" ", "seconds")
        yield f"set aside: {entry.kind} {entry.receipt} of {moment}: {entry.why!r}"
