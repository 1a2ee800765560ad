"""Which stored calls the next release could not run."""

import json
from typing import Any

import pytest
from django.test import override_settings

from django_jobqueue import Batch, Queue, QueueHandler, Template, chain, job
from django_jobqueue.core.queued import Misfit, QueuedKind
from django_jobqueue.core.states import DeathReason
from django_jobqueue.jobs.queued import EXAMPLES, STRETCH, check_queued
from django_jobqueue.jobs.registry import Registry, registry
from django_jobqueue.models import Job, JobTemplate, Schedule
from tests.handlers import add, greet, keep_anything
from tests.history import many_jobs
from tests.jobs.recurring import report
from tests.store.helpers import make_job

pytestmark = pytest.mark.django_db

MISSING, UNPROCESSABLE = DeathReason.HANDLER_MISSING, DeathReason.UNPROCESSABLE


class Mail(QueueHandler):
    queue = "tests.queued.mail"

    def process(self, context: Any, payload: dict[str, str]) -> None: ...


def total(first: int, second: int = 1) -> int:
    """What `add` is called after its parameters were renamed."""
    return first + second


def renamed() -> Registry:
    """The handlers of a release in which the parameters of `add` have other names."""
    release = Registry()
    for handler in registry:
        release.register(handler)
    job(name=add.handler.name, registry=release, replace=True)(total)
    return release


def of_kind(kind: QueuedKind, misfits: tuple[Misfit, ...]) -> list[Misfit]:
    return [one for one in misfits if one.kind is kind]


class TestJobs:
    def test_what_this_code_has_enqueued_fits_it(self):
        add.enqueue(1, b=2)
        greet.using(delay=3600).enqueue(name="ada")
        keep_anything.enqueue()

        found = check_queued()

        assert found.misfits == ()
        assert found.looked_at[QueuedKind.JOB] == 3

    def test_jobs_of_a_handler_that_is_gone_are_counted_with_an_example(self):
        ids = [add.enqueue(number).id for number in range(3)]

        found = check_queued(registry=Registry())

        [misfit] = found.misfits
        name = add.handler.name
        assert (misfit.kind, misfit.handler, misfit.count) == (QueuedKind.JOB, name, 3)
        assert misfit.reason is MISSING
        [example] = misfit.examples
        assert (example.named, example.queue) == (ids[0], "default")
        assert f"no handler named {name!r}" in example.why

    def test_a_parameter_that_was_renamed_is_told_by_its_old_name(self):
        add.enqueue(1, b=2)

        [misfit] = check_queued(registry=renamed()).misfits

        assert (misfit.handler, misfit.reason) == (add.handler.name, UNPROCESSABLE)
        assert "there is no argument 'a'" in misfit.examples[0].why
        assert "(first: int, second: int = 1)" in misfit.examples[0].why

    def test_an_alias_keeps_the_jobs_of_the_old_name_alive(self):
        add.enqueue(1)
        release = Registry()
        job(name="sums.add", aliases=[add.handler.name], registry=release)(add.handler.function)

        assert check_queued(registry=release).misfits == ()

    def test_a_value_that_no_longer_suits_its_annotation_is_told_without_the_value(self):
        make_job(handler=add.handler.name, payload={"args": [], "kwargs": {"a": "my secret"}})

        [misfit] = check_queued().misfits

        assert "argument 'a' must be int" in misfit.examples[0].why
        assert "secret" not in json.dumps(str(misfit))

    def test_a_payload_that_cannot_be_read_does_not_hide_its_neighbours(self):
        make_job(handler=add.handler.name, payload=[1])
        make_job(handler=add.handler.name, payload={"args": [1], "kwargs": {}})
        make_job(handler="gone")

        found = check_queued()

        told = {(one.handler, one.reason, one.count) for one in found.misfits}
        assert told == {(add.handler.name, UNPROCESSABLE, 1), ("gone", MISSING, 1)}
        assert found.looked_at[QueuedKind.JOB] == 3

    def test_each_reason_has_one_example_and_there_are_few(self):
        for number in range(EXAMPLES + 3):
            payload = {"args": [], "kwargs": {"a": 1, f"extra_{number}": 1}}
            for _ in range(2):
                make_job(handler=add.handler.name, payload=payload)

        [misfit] = check_queued().misfits

        assert misfit.count == 2 * (EXAMPLES + 3)
        assert len({one.why for one in misfit.examples}) == len(misfit.examples) == EXAMPLES

    def test_a_job_without_a_name_belongs_to_the_handler_of_its_queue(self):
        Queue(Mail.queue).enqueue({"to": "ada"})
        Job.objects.update(handler="")
        assert check_queued().misfits == ()

        [misfit] = check_queued(registry=Registry()).misfits

        assert misfit.handler == f"queue:{Mail.queue}"

    def test_every_job_is_looked_at_however_many_there_are(self):
        many_jobs(2 * STRETCH + 1, state="ready", queue="many")

        found = check_queued()

        assert found.looked_at[QueuedKind.JOB] == found.misfits[0].count == 2 * STRETCH + 1

    def test_an_argument_that_the_job_before_gives_may_be_missing(self):
        chain(add.s(1), add.using(result_as="a").s(b=2)).enqueue()
        assert check_queued().misfits == ()

        [misfit] = check_queued(registry=renamed()).misfits

        assert misfit.count == 2

    def test_jobs_of_other_queues_are_not_judged(self):
        make_job(handler="gone", queue="mail")
        make_job(handler="gone", queue="reports")

        found = check_queued({"mail"})

        assert [one.examples[0].queue for one in found.misfits] == ["mail"]
        assert found.looked_at[QueuedKind.JOB] == 1


class TestWhatWillBeEnqueued:
    def test_a_job_that_waits_for_the_end_of_a_batch(self):
        callback = add.using(result_as="a", queue="mail").s(b=1)
        batch = Batch(on_finish=callback).enqueue([keep_anything.s()])
        assert check_queued().misfits == ()

        [misfit] = of_kind(QueuedKind.BATCH, check_queued(registry=renamed()).misfits)

        assert (misfit.count, misfit.examples[0].named) == (1, batch.id)
        assert check_queued({"reports"}, registry=renamed()).misfits == ()

    def test_a_schedule_that_was_made_at_run_time(self):
        add.using(every=3600, schedule="sums", queue="mail").enqueue(1)
        assert check_queued().misfits == ()

        [misfit] = check_queued(registry=renamed()).misfits

        assert (misfit.kind, misfit.examples[0].named) == (QueuedKind.SCHEDULE, "sums")
        assert misfit.reason is UNPROCESSABLE
        assert check_queued({"default"}, registry=renamed()).misfits == ()

    def test_a_schedule_that_is_disabled_enqueues_nothing(self):
        add.using(every=3600).enqueue(1)
        Schedule.objects.update(disabled_at="2026-01-01T00:00Z")

        assert check_queued(registry=Registry()).looked_at[QueuedKind.SCHEDULE] == 0

    def test_a_declared_schedule_follows_its_declaration_unless_that_is_wrong(self):
        report.using(every=3600, schedule="weekly").enqueue(week=1)
        Schedule.objects.update(source="settings", handler="gone")
        entry = {"every": 3600, "kwargs": {"week": 1}}

        with override_settings(
            JOBQUEUE={"SCHEDULES": {"weekly": {**entry, "handler": "tests.report"}}}
        ):
            assert check_queued().looked_at[QueuedKind.SCHEDULE] == 0
        with override_settings(JOBQUEUE={"SCHEDULES": {"weekly": {**entry, "handler": "gone"}}}):
            assert check_queued().misfits[0].handler == "gone"

    def test_a_template_of_which_the_arguments_no_longer_fit(self):
        Template("sum").save(add, 1)
        assert check_queued().misfits == ()

        [misfit] = check_queued(registry=renamed()).misfits

        assert (misfit.kind, misfit.examples[0].named) == (QueuedKind.TEMPLATE, "sum")

    def test_a_template_of_which_the_options_no_longer_fit(self):
        Template("sum").save(add.using(unique_by=["a"]), 1)
        JobTemplate.objects.update(payload={"args": [], "kwargs": {"first": 1}})

        [misfit] = check_queued(registry=renamed()).misfits

        assert "names 'a', which is no parameter" in misfit.examples[0].why

    def test_a_template_belongs_to_the_queue_of_its_handler_and_to_any_if_that_is_gone(self):
        Template("hello").save(greet, "ada")

        assert check_queued({"mail"}).looked_at[QueuedKind.TEMPLATE] == 1
        assert check_queued({"default"}).looked_at[QueuedKind.TEMPLATE] == 0
        assert len(check_queued({"default"}, registry=Registry()).misfits) == 1
