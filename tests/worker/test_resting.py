"""A thread without a job says so once, and waits on."""

from queue import SimpleQueue

import pytest

from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.runners import ThreadRunners

from .site import PATIENCE
from .test_executor import a_claim


def test_a_thread_says_when_it_has_nothing_to_do_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ThreadRunners, "REST_SECONDS", 0.01)
    told: SimpleQueue[str] = SimpleQueue()
    runners = ThreadRunners(
        1,
        lambda job: told.put("ran"),
        at_rest=lambda: told.put("rests"),
        at_end=lambda: told.put("ended"),
    )
    runners.start()
    seen = []
    for _ in range(2):
        runners.submit([HeldJob(a_claim(), None)])
        seen += [told.get(timeout=PATIENCE) for _ in range(2)]
    assert runners.stop(timeout=PATIENCE)

    assert [*seen, told.get_nowait()] == ["ran", "rests", "ran", "rests", "ended"]
