"""A process that ends without stopping the worker it has started."""

import pytest

from django_jobqueue import JobState

from .jobs import wait_for
from .processes import PATIENCE, Deployment, within

pytestmark = pytest.mark.acceptance

PROGRAM = """
from django_jobqueue import start_worker
from tests.acceptance.processes import within
import os
started = start_worker()
assert within(20, lambda: os.path.exists(os.environ["JOBQUEUE_JOURNAL"]))
print("the program ends")
"""


def test_it_ends_soon_and_what_ran_is_given_back(deployment: Deployment) -> None:
    handle = wait_for.enqueue(str(deployment.folder / "gate"))
    program = deployment.start("shell", "-c", PROGRAM, LEASE=3600, DRAIN=600)
    assert program.says("the program ends")

    assert within(PATIENCE / 3, lambda: program.has_ended)

    assert program.status() == 0, program.output
    assert deployment.journal == ["start waiting"]
    assert (handle.refresh().state, handle.snapshot.attempt) == (JobState.READY, 0)
    assert "Traceback" not in program.output, program.output
