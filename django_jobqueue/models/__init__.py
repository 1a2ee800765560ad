"""Tables, constraints and indexes. Nothing here writes lifecycle state: that is the store's."""

from .archive import ArchivedJob
from .attempts import AttemptRecord
from .audit import AuditRecord
from .batches import BatchRecord
from .dead_letters import DeadJob
from .jobs import Job
from .limits import LimitRecord
from .lines import LineRecord
from .queues import QueueRecord
from .receipts import ReceiptRecord
from .schedules import Schedule, ScheduleSlot
from .templates import JobTemplate
from .waiters import WaiterRecord
from .workers import WorkerRecord

__all__ = [
    "ArchivedJob",
    "AttemptRecord",
    "AuditRecord",
    "BatchRecord",
    "DeadJob",
    "Job",
    "JobTemplate",
    "LimitRecord",
    "LineRecord",
    "QueueRecord",
    "ReceiptRecord",
    "Schedule",
    "ScheduleSlot",
    "WaiterRecord",
    "WorkerRecord",
]
