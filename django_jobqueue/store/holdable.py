"""What a cluster-wide line asks of the store: a part of its contract."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID


class Holdable(ABC):
    """Lines are held under a lease, and every write names the token of their holder."""

    @abstractmethod
    def hold_line(self, name: str, token: UUID, *, holder: str, lease: timedelta) -> bool:
        """Hold the line for the length of the lease; False if somebody else does.

        Waits for nobody, unless another transaction has just written this very line. The holder of
        a lapsed lease loses the line. `token` was never used before; `holder` is for people.
        """

    @abstractmethod
    def line_holder(self, name: str) -> UUID | None:
        """Return the token of who holds the line; None if nobody does, or its lease has lapsed."""

    @abstractmethod
    def renew_lines(self, tokens: Collection[UUID], *, lease: timedelta) -> set[UUID]:
        """Renew these leases; return the tokens that still hold their lines.

        One whose lease has lapsed holds its line until somebody takes it.
        """

    @abstractmethod
    def release_line(self, name: str, token: UUID) -> bool:
        """Free the line; False if the token did not hold it any more."""
