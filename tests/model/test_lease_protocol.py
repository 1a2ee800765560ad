"""The protocol keeps its promises in every world that can come to be; without any one of its rules
it does not, which shows that the search would notice.
"""

import pytest

from .protocol import CLAIM_OF_THE_DEAD, LATE_WRITE, MAX_ATTEMPTS, WRONG_ATTEMPT, Rules
from .search import Exploration


@pytest.fixture(scope="module")
def protocol() -> Exploration:
    return Exploration(Rules())


def test_no_order_of_events_breaks_a_promise(protocol: Exploration) -> None:
    assert protocol.breach is None


def test_everything_that_could_break_a_promise_was_tried(protocol: Exploration) -> None:
    of_each_worker = ("late report", "declare dead", "crash", "start over", "reconcile")
    lost_answers = ("claim 0, answer lost", "finish 1, answer lost", "fail 0, answer lost")

    assert len(protocol) > 1_000
    assert {f"{event} {index}" for event in of_each_worker for index in (0, 1)} < protocol.events
    assert {*lost_answers, "requeue"} < protocol.events
    assert "sweep" not in protocol.events, "the reaper leaves nothing ownerless behind"


def test_from_every_world_the_job_can_end_without_the_help_of_a_fault(
    protocol: Exploration,
) -> None:
    assert protocol.stuck() == []


@pytest.mark.parametrize(
    ("fence", "trace"),
    [
        ("id", ("claim 0", "declare dead 0", "finish 0")),
        ("state", ("claim 0", "declare dead 0", "claim 1", "finish 0")),
        # A rescued attempt is given back, so the successor has the same number.
        ("attempt", ("claim 0", "declare dead 0", "claim 1", "finish 0")),
        # A worker of several threads may claim again what it has not let go of.
        ("worker", ("claim 0", "fail 0, answer lost", "claim 0", "finish 0")),
    ],
)
def test_a_fence_of_anything_but_the_token_lets_a_late_report_through(
    fence: str, trace: tuple[str, ...]
) -> None:
    breach = Exploration(Rules(fence=fence)).breach

    assert breach is not None
    assert breach.promise == LATE_WRITE
    assert breach.trace == trace


def test_a_claim_that_does_not_look_at_its_workers_row_is_a_claim_of_the_dead() -> None:
    breach = Exploration(Rules(claim_needs_living_worker=False)).breach

    assert breach is not None
    assert breach.promise == CLAIM_OF_THE_DEAD
    assert breach.trace == ("declare dead 0", "claim 0")


def test_a_job_that_is_not_buried_on_its_last_failure_runs_once_too_often() -> None:
    breach = Exploration(Rules(last_failure_is_final=False)).breach

    assert breach is not None
    assert breach.promise == WRONG_ATTEMPT
    assert breach.trace == ("claim 0", "fail 0") * MAX_ATTEMPTS + ("claim 0",)


def test_without_reconciling_a_claim_whose_answer_was_lost_never_ends() -> None:
    stuck = Exploration(Rules(heartbeat_reconciles=False)).stuck()

    assert stuck[0] == ("claim 0, answer lost",)


def test_the_sweep_for_ownerless_jobs_is_a_second_line_that_the_others_do_not_need() -> None:
    exploration = Exploration(Rules(reaper_sweeps_ownerless=False))

    assert exploration.breach is None
    assert exploration.stuck() == []
