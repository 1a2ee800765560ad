from collections.abc import Mapping
from typing import Any

import msgspec
from django.core.management.base import CommandParser

from django_jobqueue.core.specs import Pruned
from django_jobqueue.jobs.removing import prune

from .base import Answer, Subcommand
from .options import seconds
from .printing import number


class PruneSubcommand(Subcommand):
    name = "prune"
    about = "delete what is past its retention now, as workers do by and by"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queue", metavar="NAME", help="of this queue only")
        for kind, records in (("archive", "archived jobs"), ("dead", "dead letters")):
            parser.add_argument(
                f"--{kind}-retention",
                type=seconds,
                metavar="SECONDS",
                help=f"how long {records} are kept, whatever settings and queues say",
            )
        parser.add_argument("--dry-run", action="store_true", help="only tell how many there are")

    def run(self, options: Mapping[str, Any]) -> Answer:
        pruned = prune(
            queue=options["queue"],
            archive_retention=options["archive_retention"],
            dead_retention=options["dead_retention"],
            dry_run=options["dry_run"],
        )
        return Answer(facts=pruned, text=_told(pruned, dry_run=options["dry_run"]))


def _told(pruned: Pruned, *, dry_run: bool) -> str:
    named = {
        "archived": "archived jobs",
        "dead": "dead letters",
        "attempts": "attempts",
        "workers": "workers",
        "receipts": "receipts",
        "audits": "audit records",
        "limits": "limits of unused keys",
    }
    counts = msgspec.structs.asdict(pruned)
    told = [f"{number(counts[key], dry_run=dry_run)} {what}" for key, what in named.items()]
    return f"{'would be ' if dry_run else ''}deleted: {', '.join(told)}"
