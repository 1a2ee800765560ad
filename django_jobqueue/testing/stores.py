"""The site's store, kept on the connection of the calling thread."""

from functools import cache
from typing import Any

from django_jobqueue.store import JobStore, store_for
from django_jobqueue.store.base import OVERTIME


def store_of_test(using: str) -> JobStore:
    """Return a store whose `dedicated` ones stay within the transaction of the test, too."""
    return _staying(type(store_for(using)))(using)


@cache
def _staying(kind: type[JobStore]) -> type[JobStore]:
    def dedicated(
        self: JobStore, *, prepared: bool = True, suspects: bool = False, overtime: Any = OVERTIME
    ) -> JobStore:
        return type(self)(self.using, suspects=suspects, overtime=overtime)

    def close(self: JobStore) -> None:
        """The connection belongs to the test."""

    facts = {
        "supports_dedicated_connection": False,
        # What a claim may pass over is learned in time, which a test may stop, or turn back.
        "supports_watermarks": False,
        "dedicated": dedicated,
        "close": close,
    }
    return type(f"{kind.__name__}OfTest", (kind,), facts)
