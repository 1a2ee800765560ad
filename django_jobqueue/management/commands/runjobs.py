"""`manage.py runjobs`: claim jobs and run them until told to stop."""

import dataclasses
import os
import sys
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_jobqueue import conf
from django_jobqueue.core.errors import DatabaseNotReady, InvalidSettings
from django_jobqueue.service import RegistrationFailed, ServiceFailed
from django_jobqueue.worker.assembly import Worker, build_worker
from django_jobqueue.worker.collecting import loaded_for_good
from django_jobqueue.worker.draining import GIVEN_UP
from django_jobqueue.worker.options import Recycling, WorkerOptions

DEBUG_IS_ON = (
    "DEBUG is on: Django remembers every query of a job until its end, which takes time and "
    "memory. Turn it off where jobs matter."
)
WRONG_LINE = 2  #: exit status when the options cannot be, as argparse's own
NOT_READY = 3  #: exit status when the database stays unreachable or unmigrated


def positive(text: str) -> int:
    """Read a command line number that must be at least 1."""
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")


def not_negative(text: str) -> int:
    """Read a command line number that may be 0."""
    return 0 if text == "0" else positive(text)


def _processes(options: dict[str, Any]) -> int:
    """To drain what is due is soon done: no time for children to start."""
    given: int | None = options["processes"]
    return int(not options["until_empty"]) if given is None else given


def _recycling(options: dict[str, Any]) -> Recycling:
    age, memory = options["max_age"], options["max_memory"]
    return Recycling(
        jobs=options["max_jobs"],
        memory_bytes=memory and memory * 1_000_000,
        age=age and timedelta(seconds=age),
    )


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
        parser.add_argument("--no-scheduler", action="store_true", help="fire no schedules")
        parser.add_argument(
            "--probes", metavar="HOST:PORT", help="answer /livez, /readyz and /metrics there"
        )
        self._add_processes(parser)

    def _add_processes(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--processes",
            type=not_negative,
            metavar="N",
            help="child processes under a supervisor; 0 runs everything in one process "
            "(default: 1, and 0 with --until-empty)",
        )
        parser.add_argument(
            "--max-jobs", type=positive, metavar="N", help="replace a child after so many jobs"
        )
        parser.add_argument(
            "--max-memory",
            type=positive,
            metavar="MEGABYTES",
            help="replace a child that holds more memory",
        )
        parser.add_argument(
            "--max-age", type=positive, metavar="SECONDS", help="replace a child of that age"
        )
        parser.add_argument(
            "--reload",
            action="store_true",
            help="in development: replace children when a source file changes",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(databases=[])
        if settings.DEBUG:
            self.stderr.write(self.style.WARNING(DEBUG_IS_ON))
        worker = self._worker(options)
        try:
            with loaded_for_good():
                worker.run()
        except RegistrationFailed as refused:
            raise CommandError(" ".join(refused.problems)) from refused
        except ServiceFailed as failure:
            not_ready = isinstance(failure.errors[0].__cause__, Exception) and isinstance(
                failure.errors[0].__cause__.__cause__, DatabaseNotReady
            )
            status = NOT_READY if not_ready else 1
            self._end(worker, status=status, why=str(failure))
            raise CommandError(str(failure), returncode=status) from failure
        self._end(worker, status=0)

    def _worker(self, options: dict[str, Any]) -> Worker:
        try:
            return build_worker(self._settings(options), self._worker_options(options))
        except InvalidSettings as error:
            raise CommandError(str(error)) from error

    def _settings(self, options: dict[str, Any]) -> conf.JobQueueSettings:
        given = {
            name: options[name]
            for name in ("concurrency", "async_concurrency", "probes")
            if options[name] is not None
        }
        configured = conf.current()
        try:
            return dataclasses.replace(configured, **given)
        except InvalidSettings as error:
            raise CommandError(str(error), returncode=WRONG_LINE) from error

    def _worker_options(self, options: dict[str, Any]) -> WorkerOptions:
        queues = [name.strip() for text in options["queue"] for name in text.split(",")]
        if not all(queues):
            raise CommandError(
                "--queue needs a name: leave it out to serve all queues", returncode=WRONG_LINE
            )
        processes = _processes(options)
        if options["reload"] and not processes:
            raise CommandError(
                "--reload replaces child processes: let there be --processes",
                returncode=WRONG_LINE,
            )
        return WorkerOptions(
            queues=tuple(dict.fromkeys(queues)),
            processes=processes,
            reload=options["reload"],
            recycling=_recycling(options),
            strict=options["strict"],
            until_empty=options["until_empty"],
            janitor=not options["no_janitor"],
            scheduler=not options["no_scheduler"],
            handles_signals=True,
            probes=True,
        )

    def _end(self, worker: Worker, *, status: int, why: str = "") -> None:
        """Handlers that did not end in time still hold their threads: do not wait for them. Nor for
        the interpreter to take itself apart, where a second signal asked for haste.
        """
        if worker.abandoned or worker.was_hurried:
            if why:
                self.stderr.write(why)
            if worker.abandoned:
                self.stderr.write(GIVEN_UP)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
