"""A job process: runs what its worker hands it, one job at a time, and nothing else.

Started as `python -m django_jobqueue.worker.isolated FILENO`; its jobs come over that line.
"""

import os
import signal
import socket
import sys
from contextlib import suppress

from .ending import end_within
from .messages import Channel, Setup
from .spawning import (
    LEAVE_SECONDS,
    die_with_the_parent,
    inherited,
    leave_signals_to_the_parent,
    restore,
)


def main() -> None:
    """Run until the worker hangs up, or is gone."""
    leave_signals_to_the_parent()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # with it, it ends itself
    die_with_the_parent()
    line = inherited(int(sys.argv[1]))
    _close_in_forks(line)
    channel = Channel(line, hears="worker")
    messages = channel.messages()
    setup = next(messages, None)
    if not isinstance(setup, Setup):
        return  # the worker was gone before it had said anything
    restore(setup.python_path)
    os.environ["DJANGO_SETTINGS_MODULE"] = setup.settings_module

    import django

    django.setup()

    from .isolated_jobs import IsolatedJobs  # needs the models

    IsolatedJobs(setup, channel).obey(messages)
    end_within(LEAVE_SECONDS, status=0)


def _close_in_forks(line: socket.socket) -> None:
    """A copy of the line in a fork that a handler makes would hide the end of this process."""

    def close() -> None:
        with suppress(OSError):  # of a fork's fork
            os.close(line.detach())

    os.register_at_fork(after_in_child=close)


if __name__ == "__main__":
    main()
