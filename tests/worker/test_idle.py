"""What an idle worker asks of its database: each tick counted, and how often it comes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue import Queue
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.states import JobState
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.models import Job
from django_jobqueue.service import TickingTask
from django_jobqueue.store import store_for
from django_jobqueue.worker.claiming import POLLS_PER_LOOK, _make_looking
from django_jobqueue.worker.duties import SELDOM, HostDuties
from django_jobqueue.worker.listener import Listener
from django_jobqueue.worker.membership import Membership
from django_jobqueue.worker.quarantine import Quarantine
from tests.store.helpers import claim, make_job

from .bench import LEASE, Bench, Time
from .household import Household
from .test_heartbeat import Pulse

pytestmark = pytest.mark.django_db

CONTROLS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
#: What a worker may ask in a second.
PER_SECOND = 1.5
#: SQLite takes its lock, and has no round trips to spare.
CLAIM = {"postgresql": 1, "sqlite": 3}


def asked(work: Callable[[], object]) -> int:
    """How many statements that sends, transactions apart."""
    with CaptureQueriesContext(connection) as captured:
        work()
    return sum(not each["sql"].startswith(CONTROLS) for each in captured)


def duties_of(conf: JobQueueSettings) -> dict[str, TickingTask]:
    """Those of a host whose heartbeats are well, after their first ticks."""
    time = Time()
    membership = Membership(lease=LEASE, elapsed=time)
    for _ in range(7):
        membership.renewed(time())
        time.passes(5)
    assert membership.may_reap()
    duties = HostDuties(
        conf,
        store=store_for("default"),
        membership=membership,
        serves=lambda queue: True,
        suspects_wait=lambda: None,
        registry=Registry(),
        wake=lambda: None,
        events=EventBus(),
    )
    tasks: Any = duties.tasks(janitor=True, scheduler=True, listener=False, ear=False)
    for task in tasks:
        task.tick()
    duties.poller._not_before = float("-inf")  # as long after that as it takes
    return {task.id: task for task in tasks}


def an_idle_pump() -> Bench:
    """One that has run a job, and waits for the next."""
    bench = Bench()
    bench.enqueue()
    bench.look()
    bench.end_all()
    bench.look()
    bench.time.passes(10)
    return bench


def an_idle_heartbeat() -> Pulse:
    pulse = Pulse()
    pulse.heartbeat.tick()
    return pulse


def test_the_poller_asks_once_for_all_duties() -> None:
    assert asked(duties_of(JobQueueSettings())["poller"].tick) == 1


def test_a_pump_asks_for_ready_jobs_and_for_limits_only_where_there_are_some() -> None:
    bench = an_idle_pump()
    assert asked(bench.pump.tick) == 1

    bench.enqueue()
    bench.time.passes(10)

    assert asked(bench.pump.tick) == 2 + CLAIM[connection.vendor]


def test_a_pump_knows_for_how_long_wake_ups_are_held_back() -> None:
    conf = JobQueueSettings(notify_debounce=timedelta(seconds=3))

    heard = _make_looking(conf, until_empty=False)._heard

    heard.add(0.0)
    assert heard.are_many(36.0)
    assert not heard.are_many(36.1)


def test_limits_that_are_set_while_it_idles_hold_for_its_next_claim() -> None:
    bench = an_idle_pump()
    bench.pump.tick()
    Queue("slow").configure(concurrency=1)
    for _ in range(2):
        bench.enqueue(queue="slow")

    bench.look()

    assert len(bench.running) == 1
    assert sorted(Job.objects.values_list("state", "attempt")) == [("ready", 0), ("running", 1)]


@pytest.mark.postgresql
class TestHeartbeats:
    """One statement of each bounds it in time."""

    def test_one_of_a_worker_that_has_nothing_only_renews_its_lease(self) -> None:
        assert asked(an_idle_heartbeat().heartbeat.tick) == 2

    def test_one_of_a_worker_with_jobs_in_hand_asks_for_those_in_the_same_round_trip(self) -> None:
        pulse = an_idle_heartbeat()
        pulse.hold()

        assert asked(pulse.heartbeat.tick) == 5

    def test_what_runs_under_its_name_without_its_knowledge_is_found(self) -> None:
        pulse = an_idle_heartbeat()
        make_job()
        [job] = claim(pulse.store, pulse.membership.worker_id)
        type(make_job()).objects.filter(pk=job.id).update(claimed_at="2020-01-01T00:00:00Z")

        pulse.heartbeat.tick()

        assert pulse.told.of("worker.reconciled") == [{"job_ids": (job.id,)}]
        found = pulse.store.find(job.id)
        assert found is not None
        assert found.state == JobState.READY


def test_a_supervisor_without_suspects_asks_nothing_for_minutes() -> None:
    house = Household("1")
    house.tick()

    for _ in range(3):
        assert asked(lambda: house.tick(after=Quarantine.SELDOM_SECONDS / 4)) == 0


@pytest.mark.postgresql
def test_an_idle_worker_asks_no_more_in_a_second_than_it_may() -> None:
    conf = JobQueueSettings()
    duties, pump = duties_of(conf), an_idle_pump().pump
    often = [
        (asked(duties["poller"].tick), conf.promote_interval.total_seconds()),
        (asked(pump.tick), POLLS_PER_LOOK * conf.poll_interval.total_seconds()),
        (asked(an_idle_heartbeat().heartbeat.tick), conf.heartbeat_interval.total_seconds()),
        (asked(duties["janitor"].tick), conf.janitor_interval.total_seconds()),
        (1, Listener.PROOF_SECONDS),
        *(
            (asked(duties[name].tick), SELDOM.total_seconds())
            for name in ("promoter", "scheduler", "reaper")
        ),
        (1, Quarantine.SELDOM_SECONDS),
    ]

    assert all(count for count, _ in often), "each asks something"
    assert sum(count / seconds for count, seconds in often) <= PER_SECOND, often
