"""A child process: the pump and its handlers, under a supervisor that keeps its lease.

Started as `python -m django_jobqueue.worker.child FILENO`; what it is to do comes over that line.
"""

import os
import sys

from .collecting import loaded_for_good
from .ending import end_within
from .messages import Begin, Channel
from .spawning import (
    LEAVE_SECONDS,
    die_after_the_parent,
    inherited,
    leave_signals_to_the_parent,
    restore,
)


def main() -> None:
    """Run until the supervisor says stop, or is gone."""
    leave_signals_to_the_parent()
    die_after_the_parent()
    channel = Channel(inherited(int(sys.argv[1])), hears="supervisor")
    messages = channel.messages()
    begin = next(messages, None)
    if not isinstance(begin, Begin):
        return  # the supervisor was gone before it had said anything
    os.set_inheritable(begin.marks_fileno, False)
    restore(begin.python_path)
    os.environ["DJANGO_SETTINGS_MODULE"] = begin.settings_module

    import django

    django.setup()

    from .under_supervision import SupervisedChild  # needs the models

    with loaded_for_good():
        status = SupervisedChild(begin, channel).run(messages)
    end_within(LEAVE_SECONDS, status=status)
    sys.exit(status)


if __name__ == "__main__":
    main()
