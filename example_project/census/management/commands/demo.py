"""`manage.py demo`: see real work being done."""

import sys
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from example_project.census import places
from example_project.census.demonstration.story import DemonstrationFailed, Wishes, demonstrate
from example_project.census.demonstration.worker import WorkerFailed
from example_project.census.discovery import FolderRefused, permitted_folder
from example_project.census.starting import NothingToCount

INTERRUPTED = 130  #: exit status after Ctrl-C, as shells have it


def positive(text: str) -> int:
    """Read a command line number that must be at least 1."""
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")


class Command(BaseCommand):
    help = (
        "Count every Python file of this environment, one job for each: migrates, makes an admin "
        "user, enqueues, runs a worker, and tells what was found and what died."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--folder",
            action="append",
            metavar="FOLDER",
            help="count this folder; may be repeated "
            "(default: the installed packages and the broken samples)",
        )
        parser.add_argument(
            "--limit", type=positive, metavar="N", help="count at most N files of each folder"
        )
        parser.add_argument(
            "--concurrency",
            type=positive,
            default=4,
            metavar="N",
            help="threads of the worker (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            folders = [
                permitted_folder(text, roots=places.roots())
                for text in options["folder"] or map(str, places.usual_folders())
            ]
            wishes = Wishes(
                folders=folders, limit=options["limit"], concurrency=options["concurrency"]
            )
            demonstrate(wishes, say=self._say, terminal=sys.stderr)
        except (FolderRefused, NothingToCount, WorkerFailed, DemonstrationFailed) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            told = "stopped; what is left stays in the queue: `manage.py runjobs` goes on with it"
            raise CommandError(told, returncode=INTERRUPTED) from None

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()  # in step with the progress, where both go into one file
