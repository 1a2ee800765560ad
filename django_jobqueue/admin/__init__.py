"""The tables in Django's admin: to look at by those who may view, to steer by those with the
permission for it.

No page counts or sorts history, no page changes anything on GET, and actions go through `jobs`,
never through models.
"""

from .archive import ArchivedJobAdmin
from .audit import AuditAdmin
from .batches import BatchAdmin
from .dead_letters import DeadJobAdmin
from .jobs import JobAdmin
from .lines import LineAdmin
from .queues import QueueAdmin
from .schedules import ScheduleAdmin
from .templates import TemplateAdmin
from .workers import WorkerAdmin

__all__ = [
    "ArchivedJobAdmin",
    "AuditAdmin",
    "BatchAdmin",
    "DeadJobAdmin",
    "JobAdmin",
    "LineAdmin",
    "QueueAdmin",
    "ScheduleAdmin",
    "TemplateAdmin",
    "WorkerAdmin",
]
