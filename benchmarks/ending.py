"""An end on request: what was started here ends first."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_in_order() -> None:
    """Let a request to end raise SystemExit in the main thread, so that the blocks are left that
    hold servers, databases and processes.

    Only the first one does: a second would leave behind what the first has not ended yet. What the
    shell ignores, as `nohup` does, stays ignored.
    """
    for number in REQUESTS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


@contextmanager
def requests_held_back() -> Iterator[None]:
    """Let a request to end wait for the end of the block; in the main thread.

    A process that is started would be left behind by a request that comes before anybody knows
    of it.
    """
    asked: list[int] = []
    heeded = [number for number in REQUESTS if signal.getsignal(number) is _end]
    for number in heeded:
        signal.signal(number, lambda number, frame: asked.append(number))
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, _end)
        if asked:
            signal.raise_signal(asked[0])


def _end(number: int, frame: FrameType | None) -> None:
    for one in REQUESTS:
        # Not SIG_IGN: what is started to clean up would inherit that.
        signal.signal(one, lambda number, frame: None)
    sys.exit(128 + number)
