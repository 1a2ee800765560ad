"""What `manage.py jobqueue` can do: one module each, listed here."""

from .base import Answer, Subcommand
from .flush_spool import FlushSpoolSubcommand
from .health import HealthSubcommand

#: In the order of the help.
SUBCOMMANDS: tuple[Subcommand, ...] = (HealthSubcommand(), FlushSpoolSubcommand())

__all__ = ["SUBCOMMANDS", "Answer", "Subcommand"]
