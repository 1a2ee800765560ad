"""Until the answer to a claim is there, nobody knows what was claimed: a heartbeat that comes in
between gives it back.
"""

from typing import Any

import pytest

from django_jobqueue.models import Job

from .bench import Bench

pytestmark = pytest.mark.django_db


def claim_in(bench: Bench, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """One tick, whose claim is answered after so many seconds."""
    claim = type(bench.store).finish_and_claim

    def slow(*args: Any, **kwargs: Any) -> Any:
        answer = claim(*args, **kwargs)
        bench.time.passes(seconds)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(type(bench.store), "finish_and_claim", slow)
        bench.pump.tick()


def test_what_was_claimed_is_given_back_unspent_and_not_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    job_id = bench.enqueue()

    claim_in(bench, 10.1, monkeypatch)
    assert bench.running == []
    for _ in range(2):
        bench.membership.renewed(bench.membership.moment())
        bench.pump.wake()
        bench.pump.tick()

    assert bench.running == [job_id]
    assert Job.objects.get(pk=job_id).attempt == 1


def test_an_answer_in_time_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    job_id = bench.enqueue()

    claim_in(bench, 9.9, monkeypatch)

    assert bench.running == [job_id]
