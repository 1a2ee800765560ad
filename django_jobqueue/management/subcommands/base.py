from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from django.core.management.base import CommandParser

NOT_DONE = 1  #: exit status when there was nothing to do, or only a part of it could be done
REFUSED = 2  #: exit status when what was asked for cannot be
NO_DATABASE = 3  #: exit status when the database cannot be reached, or does not answer


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a subcommand found: facts for `--format json`, the same as text, and the exit status."""

    facts: object
    text: str
    status: int = 0


class Subcommand(ABC):
    """Parses its options, makes one call, and tells what came of it."""

    name: ClassVar[str]
    about: ClassVar[str]
    #: Whether it changes something: then it takes `--by` and `--why`, for the audit record.
    is_recorded: ClassVar[bool] = False

    def add_arguments(self, parser: CommandParser) -> None:  # noqa: B027 - some take none
        """Add the options of this subcommand; `--format` is there already."""

    @abstractmethod
    def run(self, options: Mapping[str, Any]) -> Answer:
        """Do it. A JobQueueError is told in one sentence, as is a database that does not answer."""


class SubcommandGroup:
    """Subcommands under one name: `jobqueue limits show`."""

    name: ClassVar[str]
    about: ClassVar[str]
    parts: ClassVar[tuple[Subcommand, ...]]
