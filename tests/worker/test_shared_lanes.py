"""Queues that need different lanes share what room there is."""

import pytest

from .bench import Bench

pytestmark = pytest.mark.django_db


def test_queues_of_different_lanes_do_not_each_get_the_whole_of_one() -> None:
    bench = Bench(sync_slots=4, async_slots=4)
    for queue, is_async in (("sync", False), ("mixed", False), ("mixed", True)):
        bench.enqueue(queue=queue, is_async=is_async)
    while bench.pump.tick():
        bench.end_all()
    bench.outbox.write()
    for _ in range(9):
        bench.enqueue(queue="sync")
        bench.enqueue(queue="mixed")

    bench.pump.wake()
    bench.pump.tick()

    assert len(bench.in_hand) <= 4
