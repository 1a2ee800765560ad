"""Whatever is done to a store, in whatever order, it does what a dictionary would.

`JOBQUEUE_EXAMPLES=500 … --hypothesis-seed=7` plays more and other games; without it the same few
are played each time.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .state_machine_steering import QueueMachine

MORE = int(os.environ.get("JOBQUEUE_EXAMPLES", "0"))
GAMES = settings(
    max_examples=MORE or 15,
    stateful_step_count=60,
    derandomize=not MORE,
    database=None,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.django_db
@pytest.mark.timeout(600 + 5 * MORE)  # a failure takes minutes to be made short
def test_any_order_of_verbs_leaves_the_rows_of_the_model() -> None:
    run_state_machine_as_test(QueueMachine, settings=GAMES)
