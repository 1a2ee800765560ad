"""What `manage.py jobqueue` can do: one module each, listed here."""

from .base import Answer, Subcommand, SubcommandGroup
from .flush_spool import FlushSpoolSubcommand
from .health import HealthSubcommand
from .why import WhySubcommand

#: In the order of the help.
SUBCOMMANDS: tuple[Subcommand | SubcommandGroup, ...] = (
    HealthSubcommand(),
    WhySubcommand(),
    FlushSpoolSubcommand(),
)

__all__ = ["SUBCOMMANDS", "Answer", "Subcommand", "SubcommandGroup"]
