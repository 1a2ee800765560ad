"""`manage.py jobqueue`: look at the queue and steer it, for people and for scripts."""

import sys
from argparse import SUPPRESS
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from django_jobqueue import conf
from django_jobqueue.core.errors import JobQueueError, ReadTooSlow
from django_jobqueue.jobs.auditing import acting_as
from django_jobqueue.management.subcommands import (
    SUBCOMMANDS,
    Answer,
    Subcommand,
    SubcommandGroup,
)
from django_jobqueue.management.subcommands.base import NO_DATABASE, REFUSED
from django_jobqueue.management.subcommands.options import actor_of, add_actor

FORMATS = ("text", "json")


class Command(BaseCommand):
    #: Asked by probes every few seconds, and while the database is away.
    requires_system_checks = []
    help = "Look at the job queue and steer it."

    def add_arguments(self, parser: CommandParser) -> None:
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        for subcommand in SUBCOMMANDS:
            self._add(subcommand, subparsers)

    def _add(self, subcommand: Subcommand | SubcommandGroup, subparsers: Any) -> None:
        own = subparsers.add_parser(
            subcommand.name, help=subcommand.about, description=subcommand.about
        )
        if isinstance(subcommand, SubcommandGroup):
            parts = own.add_subparsers(dest="part", required=True, metavar="WHAT")
            for part in subcommand.parts:
                self._add(part, parts)
            return
        own.add_argument("--format", choices=FORMATS, default=FORMATS[0])
        own.set_defaults(run=subcommand.run, is_recorded=subcommand.is_recorded)
        if subcommand.is_recorded:
            add_actor(own)
        for django in ("--settings", "--pythonpath"):  # where they are written most often
            own.add_argument(django, default=SUPPRESS, help=SUPPRESS)
        subcommand.add_arguments(own)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = _answer_to(options)
        except (DatabaseError, InterfaceError, ReadTooSlow) as error:
            alias = conf.current().database
            told = f"the database {alias!r} does not answer: {str(error).strip()}"
            raise CommandError(told, returncode=NO_DATABASE) from error
        except JobQueueError as error:
            raise CommandError(str(error), returncode=REFUSED) from error
        if options["format"] == "json":
            self.stdout.write(msgspec.json.encode(answer.facts).decode())
        else:
            self.stdout.write(answer.text)
        if answer.status:
            sys.exit(answer.status)


def _answer_to(options: dict[str, Any]) -> Answer:
    if not options["is_recorded"]:
        answer: Answer = options["run"](options)
        return answer
    with acting_as(actor_of(options), why=options["why"]):
        return _answer_to({**options, "is_recorded": False})
