from datetime import UTC, datetime
from typing import Any

import pytest

from django_jobqueue import Queue, Schedule, Template, acting_as, clear_limit, set_limit
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.jobs import control
from django_jobqueue.models import AuditRecord
from tests.handlers import add
from tests.store.helpers import register_worker

pytestmark = pytest.mark.django_db

LATER = datetime(2040, 1, 1, tzinfo=UTC)


def audited() -> AuditRecord:
    """The only record there is."""
    return AuditRecord.objects.get()


class TestThings:
    def test_a_pause_tells_what_held_before(self):
        Queue("mail").pause("the relay is down")
        Queue("mail").pause("still", until=LATER)

        first, second = AuditRecord.objects.order_by("id")
        assert (first.action, first.subject, first.queue) == ("queue.pause", "mail", "mail")
        assert first.before == {"paused_at": None, "paused_until": None, "pause_reason": ""}
        assert first.after == {"pause_reason": "the relay is down", "paused_until": None}
        assert second.before["pause_reason"] == "the relay is down"
        assert datetime.fromisoformat(second.after["paused_until"]) == LATER

    def test_a_resume_tells_what_pause_it_ended(self):
        Queue("mail").pause("the relay is down")
        Queue("mail").resume()

        record = AuditRecord.objects.get(action="queue.resume")
        assert record.before["pause_reason"] == "the relay is down"

    def test_settings_of_a_queue_tell_what_they_replaced(self):
        Queue("mail").configure(max_running=3, archive_retention=60)
        Queue("mail").configure(max_running=5)

        first, second = AuditRecord.objects.order_by("id")
        assert first.before == {"max_running": None, "archive_retention_seconds": None}
        assert first.after == {"max_running": 3, "archive_retention_seconds": 60.0}
        assert (second.before, second.after) == ({"max_running": 3}, {"max_running": 5})

    def test_a_limit_tells_what_was_set_before(self):
        set_limit("key", "account:1", max_running=2)
        set_limit("key", "account:1", rate="100/m")
        assert clear_limit("key", "account:1")

        unset, set_, cleared = AuditRecord.objects.order_by("id")
        two = {"max_running": 2, "rate": None, "rate_burst": 1}
        often = {"max_running": None, "rate": "100/m", "rate_burst": 1}
        assert (unset.subject, unset.before, unset.after) == ("key:account:1", None, two)
        assert (set_.before, set_.after) == (two, often)
        assert (cleared.action, cleared.before) == ("limit.clear", often)

    def test_a_worker_that_is_asked_to_stop_is_named(self):
        worker = register_worker()

        control.stop_worker(worker)

        assert (audited().action, audited().subject) == ("worker.stop", str(worker))

    def test_a_schedule_tells_its_rule_and_its_job(self):
        add.using(every=60, schedule="often").enqueue(1)
        add.using(cron="0 7 * * *", schedule="often").enqueue(2)
        add.using(cron="0 7 * * *", schedule="often").enqueue(2)

        first, second = AuditRecord.objects.order_by("id")
        assert (first.action, first.subject, first.before) == ("schedule.save", "often", None)
        assert second.before == first.after
        assert second.after["payload"] == {"args": [], "kwargs": {"a": 2}}
        assert second.after["terms"]["rule"]["text"] == "0 7 * * *"

    def test_what_is_done_to_a_schedule_is_told(self):
        add.using(every=60, schedule="often").enqueue(1)
        schedule = Schedule("often")
        schedule.pause("moving house")
        schedule.resume()
        job = schedule.enqueue()
        schedule.delete()

        _, paused, resumed, enqueued, deleted = AuditRecord.objects.order_by("id")
        assert (paused.action, paused.before) == ("schedule.pause", {})
        assert paused.after == {"pause_reason": "moving house"}
        assert (resumed.action, resumed.before["pause_reason"]) == (
            "schedule.resume",
            "moving house",
        )
        assert (enqueued.action, enqueued.job_ids) == ("schedule.enqueue", [job.id])
        assert (deleted.action, deleted.before["handler"]) == (
            "schedule.delete",
            "tests.handlers.add",
        )

    def test_what_is_done_to_a_template_is_told(self):
        template = Template("sum")
        template.save(add, 1)
        template.save(add, 2)
        template.delete()

        first, second, deleted = AuditRecord.objects.order_by("id")
        assert (first.action, first.before) == ("template.save", None)
        assert second.before["payload"] == {"args": [], "kwargs": {"a": 1}}
        assert second.after["payload"] == {"args": [], "kwargs": {"a": 2}}
        assert (deleted.action, deleted.before) == ("template.delete", second.after)

    def test_a_copy_of_a_template_that_a_person_enqueues_is_told(self):
        template = Template("sum")
        template.save(add, 1)
        AuditRecord.objects.all().delete()

        template.enqueue()
        assert not AuditRecord.objects.exists()
        with acting_as("ada"):
            job = template.enqueue(a=2)

        record = audited()
        assert (record.action, record.subject, record.actor) == ("template.enqueue", "sum", "ada")
        assert record.job_ids == [job.id]


class TestLimits:
    @pytest.mark.parametrize(
        ("kind", "settings"),
        [("queue", {}), ("key", {"max_running": 0}), ("key", {"rate": "often"})],
    )
    def test_a_limit_that_cannot_be_is_refused(self, kind: Any, settings: dict[str, Any]):
        with pytest.raises(InvalidOptions):
            set_limit(kind, "account:1", **settings)

    def test_a_handler_goes_by_its_name(self):
        set_limit("handler", add, max_running=2)

        assert clear_limit("handler", "tests.handlers.add")
        assert not clear_limit("handler", "tests.handlers.add")
