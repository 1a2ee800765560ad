"""What `manage.py jobqueue` can do: one module each, listed here."""

from .base import Answer, Subcommand
from .health import HealthSubcommand

#: In the order of the help.
SUBCOMMANDS: tuple[Subcommand, ...] = (HealthSubcommand(),)

__all__ = ["SUBCOMMANDS", "Answer", "Subcommand"]
