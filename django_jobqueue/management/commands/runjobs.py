"""`manage.py runjobs`: claim jobs and run them until told to stop."""

import dataclasses
import os
import sys
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_jobqueue import conf
from django_jobqueue.core.errors import DatabaseNotReady, InvalidSettings
from django_jobqueue.service import ServiceFailed
from django_jobqueue.worker.assembly import Worker, WorkerOptions, build_worker

NOT_READY = 3  #: exit status when the database stays unreachable or unmigrated


def positive(text: str) -> int:
    """Read a command line number that must be at least 1."""
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")


class Command(BaseCommand):
    #: `handle` checks the code: a database that is not there yet is what the worker waits for, and
    #: from Django 6 on the checks of a command ask all of them.
    requires_system_checks = []
    help = "Claim jobs and run them. SIGTERM or Ctrl-C ends it gracefully, a second one at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queue",
            action="append",
            default=[],
            metavar="NAME",
            help="serve this queue only; may be repeated, or a list with commas (default: all)",
        )
        parser.add_argument(
            "--concurrency", type=positive, metavar="N", help="threads for sync jobs"
        )
        parser.add_argument(
            "--async-concurrency", type=positive, metavar="N", help="async jobs at once"
        )
        parser.add_argument(
            "--strict", action="store_true", help="queues in order of precedence, not in turn"
        )
        parser.add_argument(
            "--until-empty", action="store_true", help="end when nothing is due any more"
        )
        parser.add_argument("--no-janitor", action="store_true", help="remove no old records")

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(databases=[])
        worker = build_worker(self._settings(options), self._worker_options(options))
        try:
            worker.run()
        except ServiceFailed as failure:
            not_ready = isinstance(failure.errors[0].__cause__, Exception) and isinstance(
                failure.errors[0].__cause__.__cause__, DatabaseNotReady
            )
            status = NOT_READY if not_ready else 1
            self._end(worker, status=status, why=str(failure))
            raise CommandError(str(failure), returncode=status) from failure
        self._end(worker, status=0)

    def _settings(self, options: dict[str, Any]) -> conf.JobQueueSettings:
        given = {
            name: options[name]
            for name in ("concurrency", "async_concurrency")
            if options[name] is not None
        }
        try:
            return dataclasses.replace(conf.current(), **given)
        except InvalidSettings as error:
            raise CommandError(str(error)) from error

    def _worker_options(self, options: dict[str, Any]) -> WorkerOptions:
        queues = [name.strip() for text in options["queue"] for name in text.split(",")]
        if not all(queues):
            raise CommandError("--queue needs a name: leave it out to serve all queues")
        return WorkerOptions(
            queues=tuple(dict.fromkeys(queues)),
            strict=options["strict"],
            until_empty=options["until_empty"],
            janitor=not options["no_janitor"],
            handles_signals=True,
        )

    def _end(self, worker: Worker, *, status: int, why: str = "") -> None:
        """Handlers that did not end in time still hold their threads: do not wait for them."""
        if worker.pump.abandoned:
            if why:
                self.stderr.write(why)
            self.stderr.write("handlers were still running and were given up")
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
