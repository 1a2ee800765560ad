"""A child process: the pump and its handlers, under a supervisor that keeps its lease.

Started as `python -m django_jobqueue.worker.child FILENO`; what it is to do comes over that line.
"""

import os
import signal
import socket
import sys

from .ending import end_within
from .messages import Begin, Channel

#: How long threads that handlers left behind may keep the process from its end.
LEAVE_SECONDS = 5.0


def main() -> None:
    """Run until the supervisor says stop, or is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the supervisor decides
    channel = Channel(_inherited(int(sys.argv[1])), hears="supervisor")
    messages = channel.messages()
    begin = next(messages, None)
    if not isinstance(begin, Begin):
        return  # the supervisor was gone before it had said anything
    os.set_inheritable(begin.marks_fileno, False)
    _restore(begin.python_path)
    os.environ["DJANGO_SETTINGS_MODULE"] = begin.settings_module

    import django

    django.setup()

    from .under_supervision import SupervisedChild  # needs the models

    status = SupervisedChild(begin, channel).run(messages)
    # The interpreter waits for every thread at its exit; suspects may wait for this process.
    end_within(LEAVE_SECONDS, status=status)
    sys.exit(status)


def _restore(python_path: str | None) -> None:
    """What was set to find this module would mislead other Pythons that handlers start."""
    if python_path is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = python_path


def _inherited(fileno: int) -> socket.socket:
    """Handlers that start programs of their own must not keep the line open after our end."""
    os.set_inheritable(fileno, False)
    return socket.socket(fileno=fileno)


if __name__ == "__main__":
    main()
