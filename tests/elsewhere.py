"""Work of another thread."""

import threading
from collections.abc import Callable

from django.db import connections

PATIENCE = 60.0


def elsewhere(work: Callable[[], object]) -> None:
    """Do it in another thread, on a connection of its own, and return once it is done."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
