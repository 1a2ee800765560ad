"""The end of a process, whatever in it does not end."""

import os
import sys
import threading


def end_within(seconds: float, *, status: int, why: str = "") -> None:
    """End this process with `status` unless it has ended by itself before, and print why."""

    def end() -> None:
        if why:
            sys.stderr.write(f"{why}\n")
            sys.stderr.flush()
        os._exit(status)

    at_last = threading.Timer(seconds, end)
    at_last.daemon = True
    at_last.start()
