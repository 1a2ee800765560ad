"""The scheduler, one tick at a time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from django_jobqueue import CronString, every, job
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.schedules import Source
from django_jobqueue.core.specs import NewJob
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.declarations import declare_schedules
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.management.commands import runjobs
from django_jobqueue.models import ArchivedJob, Job, Schedule, ScheduleSlot
from django_jobqueue.store import store_for
from django_jobqueue.worker.options import WorkerOptions
from django_jobqueue.worker.scheduler import Scheduler
from tests.store.schedules import a_schedule

from .site import COMMITTED, Site, Told

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def clean(deep: bool = False) -> None: ...


class Bench:
    """A scheduler, what it wakes, and what it tells."""

    def __init__(self, registry: Registry | None = None, **settings: Any) -> None:
        self.told, events, self.store = Told(), EventBus(), store_for("default")
        events.subscribe(self.told)
        self.wakes: list[str] = []
        registry, conf = registry or Registry(), JobQueueSettings(**settings)
        self.scheduler = Scheduler(
            store=self.store,
            declare=lambda: declare_schedules(registry, conf, store=self.store, events=events),
            wake=lambda: self.wakes.append("here"),
            notify=self.notify,
            events=events,
            interval=2 * SECOND,
            missed_after=60 * SECOND,
        )

    def notify(self, queues: Sequence[str]) -> None:
        self.wakes += queues

    def schedule(self, name: str = "nightly", *, due_in: float, **more: Any) -> None:
        self.store.save_schedule(a_schedule(name, **more))
        due = self.store.database_now() + timedelta(seconds=due_in)
        Schedule.objects.filter(name=name).update(next_slot=due)


class TestATick:
    def test_it_sleeps_until_the_next_slot_at_most(self) -> None:
        bench = Bench()
        assert bench.scheduler.tick() is None

        bench.schedule(due_in=3600)
        assert bench.scheduler.tick() == 2.0

        bench.schedule("soon", due_in=1)
        assert 0 < (bench.scheduler.tick() or 0) <= 1
        assert bench.wakes == []

    def test_it_wakes_workers_for_what_it_enqueued_and_tells(self) -> None:
        bench = Bench()
        bench.schedule(due_in=-1)

        bench.scheduler.tick()

        job = Job.objects.get()
        assert bench.wakes == ["here", "cleaning"]
        [fired] = bench.told.of("schedule.fired")
        assert (fired["schedule"], fired["job_id"]) == ("nightly", job.pk)
        assert fired["slot"] == job.slot.isoformat()
        assert bench.told.of("job.enqueued") == [
            {"job_id": job.pk, "handler": "shop.clean", "queue": "cleaning"}
        ]

    def test_slots_without_a_job_are_told_and_wake_nobody(self) -> None:
        bench = Bench()
        bench.schedule(due_in=-1)
        bench.store.pause_schedule("nightly", reason="holidays")

        bench.scheduler.tick()

        [skipped] = bench.told.of("schedule.skipped")
        assert (skipped["schedule"], skipped["reason"]) == ("nightly", "paused: holidays")
        assert bench.wakes == []

    def test_an_unknown_zone_is_told_once(self) -> None:
        bench = Bench()
        bench.schedule(due_in=-1)
        Schedule.objects.update(timezone="Mars/Olympus")

        bench.scheduler.tick()
        bench.scheduler.tick()

        [disabled] = bench.told.of("schedule.disabled")
        assert disabled["schedule"] == "nightly"
        assert "Mars/Olympus" in disabled["reason"]


class TestDeclarations:
    def registry(self) -> Registry:
        registry = Registry()
        job(registry=registry, name="clean", every=3600, queue="tidy")(clean)
        return registry

    def test_the_first_tick_brings_the_rows_in_step(self) -> None:
        entry = {
            "handler": "clean",
            "cron": "0 4 * * *",
            "timezone": "Europe/Berlin",
            "kwargs": {"deep": True},
            "using": {"priority": 5},
            "missed": "skip",
        }
        bench = Bench(self.registry(), schedules={"deep clean": entry})

        bench.scheduler.tick()
        bench.scheduler.tick()

        declared = [one["schedule"] for one in bench.told.of("schedule.declared")]
        assert declared == ["clean", "deep clean"]
        of_code, of_settings = Schedule.objects.order_by("name")
        assert (of_code.source, of_code.every_seconds) == ("code", 3600)
        assert of_code.options["queue"] == "tidy"
        assert (of_settings.source, of_settings.cron) == ("settings", "0 4 * * *")
        assert (of_settings.timezone, of_settings.missed) == ("Europe/Berlin", "skip")
        assert (of_settings.options["queue"], of_settings.options["priority"]) == ("tidy", 5)
        assert of_settings.payload == {"args": [], "kwargs": {"deep": True}}

    def test_the_ticks_after_it_do_not(self) -> None:
        bench = Bench(self.registry())
        bench.scheduler.tick()
        Schedule.objects.all().delete()

        bench.scheduler.tick()

        assert not Schedule.objects.exists()

    @pytest.mark.parametrize(
        ("entry", "why"),
        [
            ({"handler": "clean"}, "'cron' or 'every'"),
            ({"every": 60}, "'handler' must be given"),
            ({"handler": "gone", "every": 60}, "no handler named 'gone'"),
            ({"handler": "clean", "every": 60, "cron": "* * * * *"}, "either 'cron' or 'every'"),
            ({"handler": "clean", "cron": "0 0 31 2 *"}, "is no cron string"),
            ({"handler": "clean", "every": 60, "kwargs": {"deeep": 1}}, "deeep"),
            ({"handler": "clean", "every": 60, "usig": {}}, "'usig' does not exist"),
            ({"handler": "clean", "every": 60, "using": {"delay": "x"}}, "'delay'"),
            ({"handler": "clean", "every": 60, "args": 5}, "wrong"),
        ],
    )
    def test_one_that_is_wrong_is_told_and_hinders_no_other(
        self, entry: dict[str, Any], why: str
    ) -> None:
        bench = Bench(self.registry(), schedules={"wrong": entry})

        bench.scheduler.tick()

        [refused] = bench.told.of("schedule.refused")
        assert refused["schedule"] == "wrong"
        assert why in refused["reason"]
        assert list(Schedule.objects.values_list("name", flat=True)) == ["clean"]

    def test_one_that_became_wrong_keeps_its_row(self) -> None:
        entry = {"handler": "clean", "every": 60}
        Bench(self.registry(), schedules={"tidy": entry}).scheduler.tick()
        Bench(Registry(), schedules={"tidy": entry}).scheduler.tick()

        rows = dict(Schedule.objects.values_list("name", "disabled_reason"))
        assert rows == {"clean": "no longer declared", "tidy": ""}

    def test_a_name_that_is_declared_twice_is_told(self) -> None:
        bench = Bench(self.registry(), schedules={"clean": {"handler": "clean", "every": 5}})

        bench.scheduler.tick()

        [refused] = bench.told.of("schedule.refused")
        assert "already" in refused["reason"]
        assert Schedule.objects.get().source == Source.CODE

    def test_a_zone_that_is_unknown_here_is_told_at_every_start(self) -> None:
        registry = Registry()
        rule = CronString("0 4 * * *", timezone="Mars/Olympus")
        job(registry=registry, name="clean", cron=rule)(clean)

        for _ in range(2):
            bench = Bench(registry)
            bench.scheduler.tick()
            assert [one["schedule"] for one in bench.told.of("schedule.disabled")] == ["clean"]
        assert Schedule.objects.get().next_slot is None

    def test_a_span_goes_on_where_it_was_when_a_worker_starts_anew(self) -> None:
        Bench(self.registry()).scheduler.tick()
        before = Schedule.objects.get().next_slot

        bench = Bench(self.registry())
        bench.scheduler.tick()

        assert Schedule.objects.get().next_slot == before
        assert bench.told.events == []


def test_a_span_of_a_worker_that_ran_for_long_loses_no_step() -> None:
    bench = Bench()
    bench.schedule(due_in=-7, rule=every(5))

    bench.scheduler.tick()

    first, second = ScheduleSlot.objects.order_by("slot")
    assert second.slot - first.slot == 5 * SECOND
    assert Schedule.objects.get().next_slot == second.slot + 5 * SECOND


class TestInAWorker:
    pytestmark = COMMITTED

    def due(self, handler: str = "clean") -> None:
        store = store_for("default")
        store.save_schedule(a_schedule(job=NewJob(handler=handler)))
        Schedule.objects.update(next_slot=store.database_now() - SECOND)

    def test_the_jobs_of_slots_are_run(self, site: Site) -> None:
        runs = site.counted("clean")
        self.due()

        with site.working():
            site.told.wait_for("job.succeeded")

        assert runs == ["clean"]
        assert ArchivedJob.objects.get().schedule == "nightly"

    def test_who_drains_what_is_due_begins_with_the_slots(self, site: Site) -> None:
        runs = site.counted("clean")
        self.due()

        site.work()

        assert runs == ["clean"]

    def test_without_a_scheduler_no_slot_is_done(self, site: Site) -> None:
        runs = site.counted("clean", every=3600)
        self.due()

        site.work(options={"scheduler": False})

        assert runs == []
        assert [one.name for one in Schedule.objects.all()] == ["nightly"]


@pytest.mark.parametrize(("flags", "scheduler"), [([], True), (["--no-scheduler"], False)])
def test_the_command_leaves_it_out_when_it_is_told_to(
    flags: list[str], scheduler: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[WorkerOptions] = []

    class Built(Exception):
        pass

    def build(conf: JobQueueSettings, options: WorkerOptions) -> None:
        asked.append(options)
        raise Built

    monkeypatch.setattr(runjobs, "build_worker", build)
    with pytest.raises(Built):
        call_command("runjobs", *flags)

    assert [options.scheduler for options in asked] == [scheduler]
