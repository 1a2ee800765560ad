"""What both vendors share: all that is not hot, through the ORM on the caller's connection."""

from .limiting import LimitingStore
from .looking import LookingStore
from .reads import NumbersStore
from .receipts import ReceiptStore
from .requeueing import RequeueingStore
from .retention import RetentionStore
from .steering import SteeringStore


class OrmStore(
    ReceiptStore,
    SteeringStore,
    RequeueingStore,
    LookingStore,
    LimitingStore,
    NumbersStore,
    RetentionStore,
):
    """A store without claims, finishes and workers: those are each vendor's own."""
