from argparse import ArgumentTypeError
from collections.abc import Mapping
from typing import Any

import msgspec
from django.core.management.base import CommandParser

from django_jobqueue.core.schedules import StoredTemplate
from django_jobqueue.jobs.listing import templates
from django_jobqueue.jobs.templates import enqueue_template

from .base import NOT_DONE, Answer, Subcommand, SubcommandGroup
from .printing import table


class ListTemplates(Subcommand):
    name = "list"
    about = "tell which templates there are"

    def run(self, options: Mapping[str, Any]) -> Answer:
        found = templates()
        facts = [{"name": one.name, "handler": one.handler} for one in found]
        return Answer(facts=facts, text=table(("template", "handler"), map(_row, found)))


class RunTemplate(Subcommand):
    name = "run"
    about = "enqueue a copy of a template; exit status 1 if another job holds its unique key"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the name of the template")
        parser.add_argument(
            "--argument",
            type=_argument,
            action="append",
            default=[],
            metavar="NAME=JSON",
            help="in place of the stored one; may be repeated",
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        handle = enqueue_template(options["name"], **dict(options["argument"]))
        told = "enqueued" if handle.created else "holds the unique key: nothing was enqueued"
        return Answer(
            facts={"job_id": handle.id, "created": handle.created},
            text=f"job {handle.id} {told}",
            status=0 if handle.created else NOT_DONE,
        )


class TemplatesSubcommand(SubcommandGroup):
    name = "templates"
    about = "list templates, and enqueue a copy of one"
    parts = (ListTemplates(), RunTemplate())


def _row(template: StoredTemplate) -> tuple[object, ...]:
    return (template.name, template.handler)


def _argument(text: str) -> tuple[str, object]:
    name, sign, value = text.partition("=")
    try:
        if not (name and sign):
            raise ValueError(text)
        return name, msgspec.json.decode(value)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a name, =, and a JSON value, such as user_id=7"
        ) from None
