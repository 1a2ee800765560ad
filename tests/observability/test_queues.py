from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue import job
from django_jobqueue.core.health import Health
from django_jobqueue.core.states import JobState
from django_jobqueue.jobs.health import queues_health
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.observability.labels import OTHER, Labels
from django_jobqueue.observability.queues import QueueLook, QueueSampling
from tests.store.helpers import make_job, register_worker
from tests.worker.bench import Time

NOTHING = Health(queues=(), workers=0, oldest_heartbeat=None, dead_last_hour=0, count_limit=1)


def work() -> None: ...


class Looks:
    """Counts the looks; the first raises if told so."""

    def __init__(self, *, fails: bool = False) -> None:
        self.made, self.fails = 0, fails

    def __call__(self) -> Health:
        self.made += 1
        if self.fails:
            raise OSError("away")
        return NOTHING


class TestRemembering:
    def test_many_who_ask_make_one_look(self):
        looks, time = Looks(), Time()
        seen = QueueLook(looks, elapsed=time)
        for _ in range(20):
            seen.refresh_if_old()
        assert looks.made == 1

        time.passes(QueueLook.FRESH_SECONDS)
        seen.refresh_if_old()
        assert looks.made == 2

    def test_what_was_seen_long_ago_is_not_told(self):
        time = Time()
        seen = QueueLook(Looks(), elapsed=time)
        assert seen.latest() is None
        seen.refresh()
        time.passes(QueueLook.STALE_SECONDS - 1)
        assert seen.latest() is NOTHING

        time.passes(2)
        assert seen.latest() is None

    def test_a_look_that_failed_is_not_repeated_by_everybody(self):
        looks = Looks(fails=True)
        seen = QueueLook(looks, elapsed=Time())
        with pytest.raises(OSError, match="away"):
            seen.refresh_if_old()
        seen.refresh_if_old()

        assert looks.made == 1

    def test_nobody_waits_for_the_look_of_another(self):
        asked: list[Callable[[], None]] = []

        def look() -> Health:
            asked.append(lambda: None)
            time.passes(QueueLook.FRESH_SECONDS)
            seen.refresh_if_old()  # another thread would come here now
            return NOTHING

        time = Time()
        seen = QueueLook(look, elapsed=time)
        seen.refresh_if_old()

        assert len(asked) == 1

    def test_a_worker_looks_once_a_round_and_cleans_up(self):
        looks, cleaned = Looks(), list[int]()
        sampling = QueueSampling(QueueLook(looks), after_tick=lambda: cleaned.append(1))
        sampling.round()

        assert (looks.made, cleaned) == (1, [1])


@pytest.mark.django_db
class TestLook:
    def test_known_queues_are_told_though_empty_and_others_in_one(self):
        registry = Registry()
        job(name="it", queue="mail", registry=registry)(work)
        labels = Labels(registry)
        register_worker()
        for queue in ("mail", "one", "two"):
            make_job(queue=queue)
        make_job(JobState.SCHEDULED, queue="mail")

        found = queues_health(labels.to_look_at)

        numbers = {one.queue: one.ready for one in labels.summed(found)}
        assert numbers == {"default": 0, "mail": 1, OTHER: 2}

    def test_a_flood_of_names_costs_a_bounded_number_of_queries(self):
        labels = Labels(Registry())
        for number in range(60):
            make_job(queue=f"q{number}")

        with CaptureQueriesContext(connection) as captured:
            queues_health(labels.to_look_at)
        few = len(captured)
        for number in range(60, 80):
            make_job(queue=f"q{number}")
        with CaptureQueriesContext(connection) as captured:
            queues_health(labels.to_look_at)

        assert len(captured) == few
