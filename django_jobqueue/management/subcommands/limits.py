from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.core.limits import LimitKind
from django_jobqueue.jobs.limits import clear_limit, set_limit
from django_jobqueue.jobs.listing import LimitNow, limits_now
from django_jobqueue.jobs.queue import Queue

from .base import NOT_DONE, Answer, Subcommand, SubcommandGroup
from .options import refused, some
from .printing import table

_SETTINGS = ("concurrency", "max_running", "rate", "rate_burst")
_HEADERS = ("limit", "name", "per process", "in all", "rate", "burst", "said by")


class ShowLimits(Subcommand):
    name = "show"
    about = "tell which limits hold, and who said so"

    def run(self, options: Mapping[str, Any]) -> Answer:
        limits = limits_now()
        return Answer(facts=limits, text=table(_HEADERS, [_row(one) for one in limits]))


class SetLimit(Subcommand):
    name = "set"
    about = "let a limit hold, whatever the code declares; what is not given is not limited"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_limit_name(parser)
        parser.add_argument("--max-running", type=some, metavar="N", help="so many at once")
        parser.add_argument("--rate", metavar="RATE", help="how often one may start, such as 100/m")
        parser.add_argument(
            "--rate-burst", type=some, metavar="N", help="so many at once after a quiet time"
        )
        parser.add_argument(
            "--concurrency", type=some, metavar="N", help="so many in one process, of a queue only"
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        kind, name = options["kind"], options["name"]
        given = {key: options[key] for key in _SETTINGS if options[key] is not None}
        if not given.keys() - {"rate_burst"}:
            raise refused("this sets nothing: give --max-running, --rate or --concurrency")
        if kind == LimitKind.QUEUE:
            Queue(name).configure(**{**dict.fromkeys(_SETTINGS), **given})
        elif "concurrency" in given:
            raise refused(f"--concurrency is for a queue: @job says that of a {kind}")
        else:
            set_limit(kind, name, **given)
        return Answer(
            facts={"kind": kind, "name": name, "set": given},
            text=f"the limit of {kind} {name!r} is set",
        )


class ClearLimit(Subcommand):
    name = "clear"
    about = "let what the code declares hold again; exit status 1 if nothing else was set"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_limit_name(parser)

    def run(self, options: Mapping[str, Any]) -> Answer:
        kind, name = options["kind"], options["name"]
        if kind == LimitKind.QUEUE:
            cleared = any((one.kind, one.name) == (kind, name) for one in limits_now())
            if cleared:
                Queue(name).configure(**dict.fromkeys(_SETTINGS))
        else:
            cleared = clear_limit(kind, name)
        return Answer(
            facts={"kind": kind, "name": name, "cleared": cleared},
            text=f"the limit of {kind} {name!r} {'is cleared' if cleared else 'was not set'}",
            status=0 if cleared else NOT_DONE,
        )


class LimitsSubcommand(SubcommandGroup):
    name = "limits"
    about = "show, set and clear the limits of queues, handlers and concurrency keys"
    parts = (ShowLimits(), SetLimit(), ClearLimit())


def add_limit_name(parser: CommandParser) -> None:
    """Add what names a limit."""
    kinds = [kind.value for kind in LimitKind]
    parser.add_argument("kind", choices=kinds, help="what is limited")
    parser.add_argument("name", metavar="NAME", help="its name")


def _row(limit: LimitNow) -> tuple[object, ...]:
    burst = limit.rate_burst if limit.rate else None
    numbers = (limit.concurrency, limit.max_running, limit.rate, burst)
    return (limit.kind, limit.name, *numbers, limit.said_by)
