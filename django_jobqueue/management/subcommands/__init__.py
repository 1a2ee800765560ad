"""What `manage.py jobqueue` can do: one module each, listed here."""

from .base import Answer, Subcommand, SubcommandGroup
from .cancel import CancelSubcommand
from .check_queued import CheckQueuedSubcommand
from .configure import ConfigureSubcommand
from .discard import DiscardSubcommand
from .drain import DrainSubcommand
from .flush_spool import FlushSpoolSubcommand
from .health import HealthSubcommand
from .limits import LimitsSubcommand
from .pausing import PauseSubcommand, ResumeSubcommand
from .prune import PruneSubcommand
from .purge import PurgeSubcommand
from .requeue import RequeueSubcommand
from .retry import RetrySubcommand
from .schedules import SchedulesSubcommand
from .stats import StatsSubcommand
from .templates import TemplatesSubcommand
from .why import WhySubcommand
from .workers import WorkersSubcommand

#: In the order of the help.
SUBCOMMANDS: tuple[Subcommand | SubcommandGroup, ...] = (
    HealthSubcommand(),
    StatsSubcommand(),
    WhySubcommand(),
    CheckQueuedSubcommand(),
    WorkersSubcommand(),
    LimitsSubcommand(),
    SchedulesSubcommand(),
    TemplatesSubcommand(),
    CancelSubcommand(),
    RetrySubcommand(),
    RequeueSubcommand(),
    DiscardSubcommand(),
    PurgeSubcommand(),
    PruneSubcommand(),
    PauseSubcommand(),
    ResumeSubcommand(),
    ConfigureSubcommand(),
    DrainSubcommand(),
    FlushSpoolSubcommand(),
)

__all__ = ["SUBCOMMANDS", "Answer", "Subcommand", "SubcommandGroup"]
