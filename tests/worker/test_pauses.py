"""A queue that is paused while its jobs wait in a worker: none of them starts any more."""

from collections.abc import Collection

import pytest

from django_jobqueue import JobState, Queue
from django_jobqueue.models import AttemptRecord, Job
from django_jobqueue.store import store_for
from tests.store.helpers import LONG_AGO

from .bench import Bench

pytestmark = pytest.mark.django_db


class Counting(type(store_for("default"))):  # type: ignore[misc]  # the store of this database
    """Counts how often it is asked for pauses."""

    asked = 0

    def paused_queues(self, names: Collection[str]) -> set[str]:
        self.asked += 1
        return super().paused_queues(names)  # type: ignore[no-any-return]


SLOTS = 3
#: No more than this wait: what far exceeds it goes back for another reason, as too much in advance.
FEW = SLOTS


def ahead(bench: Bench, *queues: str) -> list[int]:
    """Let jobs of these queues be claimed ahead, behind as many as there are slots; return the ids
    of those that wait, in their order.
    """
    bench.learn_that_jobs_are_quick(queues={"default", *queues})
    for _ in range(SLOTS):
        bench.enqueue()
    bench.look()
    ids = {bench.enqueue(queue=queue) for queue in queues}
    bench.look()
    waiting = [held.job.id for held in bench.sync.parked]
    assert (set(waiting), len(bench.running)) == (ids, SLOTS)
    return waiting


def a_bench(**options: object) -> Bench:
    return Bench(sync_slots=SLOTS, queues=["default", "mail", "open"], **options)  # type: ignore[arg-type]


def one_cycle(bench: Bench) -> None:
    """Rest and tick as the pump does, for one poll interval."""
    until = bench.time.seconds + 1.0
    while bench.time.seconds < until:
        bench.time.passes(max(0.001, min(bench.pump.rest(), until - bench.time.seconds)))
        bench.pump.tick()


def test_what_waits_in_hand_does_not_start_after_the_pause() -> None:
    bench = a_bench()
    ids = ahead(bench, *["mail"] * FEW)
    ready_at = dict(Job.objects.filter(pk__in=ids).values_list("pk", "ready_at"))
    Queue("mail").pause()

    one_cycle(bench)
    bench.end_all()

    assert bench.running == []
    rows = Job.objects.filter(pk__in=ids)
    assert [(row.state, row.attempt, row.reprocess_count, row.rescues) for row in rows] == [
        (JobState.READY, 0, 0, 0)
    ] * FEW
    assert {row.pk: row.ready_at for row in rows} == ready_at
    assert not AttemptRecord.objects.filter(job_id__in=ids).exists()
    assert not {held.job.id for held in bench.in_hand.all()} & set(ids)


def test_jobs_of_other_queues_start_in_the_order_they_stood() -> None:
    bench = a_bench()
    waiting = ahead(bench, "open", "mail", "open")
    mail = set(Job.objects.filter(queue="mail").values_list("pk", flat=True))
    Queue("mail").pause()

    one_cycle(bench)
    bench.end_all()

    assert bench.running == [job_id for job_id in waiting if job_id not in mail]


def test_what_runs_already_goes_on() -> None:
    bench = a_bench()
    ahead(bench, "mail")
    running = bench.running
    Queue("default").pause()

    one_cycle(bench)
    assert bench.running == running
    bench.end_all()
    bench.pump.tick()

    assert {bench.state_of(job_id) for job_id in running} == {JobState.SUCCEEDED}


def test_after_the_resume_they_are_the_first_again() -> None:
    bench = a_bench()
    ids = ahead(bench, "mail", "mail")
    Queue("mail").pause()
    one_cycle(bench)
    later = bench.enqueue(queue="mail")
    bench.end_all()
    bench.look()
    assert bench.running == []

    Queue("mail").resume()
    bench.look()

    assert bench.running == [*ids, later]


def test_a_pause_that_is_over_takes_nothing_back() -> None:
    bench = a_bench()
    ids = ahead(bench, "mail")
    bench.store.pause_queue("mail", until=LONG_AGO)

    one_cycle(bench)
    bench.end_all()

    assert bench.running == ids


def test_with_its_slots_full_it_rests_no_longer_than_until_it_asks_again() -> None:
    bench = a_bench(async_slots=0)
    ahead(bench, *["mail"] * FEW)
    bench.time.passes(60)
    bench.pump.tick()
    assert not bench.slots.have_room
    bench.time.passes(0.6)
    bench.pump.tick()

    assert 0 < bench.pump.rest() <= 0.4 + 0.001


def test_a_busy_worker_asks_once_in_a_poll_interval_however_often_it_claims() -> None:
    store = Counting("default")
    bench = a_bench(store=store)
    ahead(bench, "mail", "mail")
    for _ in range(200):
        bench.time.passes(0.01)
        bench.end(bench.sync.running[0])
        bench.enqueue(queue="mail")
        bench.look()

    assert 1 <= store.asked <= 3


def test_where_nothing_waits_nothing_is_asked() -> None:
    store = Counting("default")
    bench = a_bench(store=store)
    for _ in range(40):
        bench.time.passes(0.1)
        bench.enqueue()
        bench.look()
        bench.end_all()

    assert store.asked == 0
