"""What both vendors share: all that is not hot, through the ORM on the caller's connection."""

from .auditing import AuditingStore
from .explaining import ExplainingStore
from .firing import FiringStore
from .lines import LinesStore
from .looking import LookingStore
from .matching import MatchingStore
from .polling import PollingStore
from .purging import PurgingStore
from .queued import QueuedStore
from .reads import NumbersStore
from .receipts import ReceiptStore
from .requeueing import RequeueingStore
from .retention import RetentionStore
from .templates import TemplateStore


class OrmStore(
    FiringStore,
    TemplateStore,
    ReceiptStore,
    AuditingStore,
    PurgingStore,
    RequeueingStore,
    LookingStore,
    NumbersStore,
    ExplainingStore,
    MatchingStore,
    QueuedStore,
    RetentionStore,
    LinesStore,
    PollingStore,
):
    """A store without claims, finishes and workers: those are each vendor's own."""
