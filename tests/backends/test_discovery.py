"""How workers come to know tasks, what checks say of the settings, and what it all costs others."""

import os
import sys
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.test import override_settings

from django_jobqueue import DeathReason
from django_jobqueue.backends.checks import check_backport
from django_jobqueue.backends.discovery import discover
from django_jobqueue.backends.finishing import tell_framework, wants
from django_jobqueue.backends.framework import (
    IS_BACKPORT,
    PACKAGE,
    TaskResultStatus,
    signals,
    task_backends,
)
from django_jobqueue.jobs.enqueueing import enqueuer_of
from django_jobqueue.jobs.queued import check_queued
from django_jobqueue.jobs.registry import Registry, registry
from django_jobqueue.models import Job
from django_jobqueue.testing import run_jobs
from tests import tasks
from tests.handlers import add
from tests.test_facade import run
from tests.worker.apart import Apart
from tests.worker.site import COMMITTED

from .conftest import TaskWorker, Told

BACKEND = "django_jobqueue.backends.JobQueueBackend"
FURTHER = "tests.backends.further"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """What a test declares is forgotten after it."""
    monkeypatch.setattr(registry, "_by_name", dict(registry._by_name))
    monkeypatch.delitem(sys.modules, FURTHER, raising=False)
    return registry


class TestDiscovery:
    def test_modules_named_tasks_are_imported_at_start(self) -> None:
        assert "tests.tasks.noop_task" in registry

    def test_modules_of_the_options_are_imported(self, known: Registry) -> None:
        discover({"default": {"BACKEND": BACKEND, "OPTIONS": {"modules": [FURTHER]}}})

        assert f"{FURTHER}.further" in known

    def test_tasks_that_were_declared_for_another_backend_are_known(self, known: Registry) -> None:
        discover({"default": {"BACKEND": BACKEND, "OPTIONS": {"modules": [FURTHER]}}})

        handler = known.get(f"{FURTHER}.of_another_backend")
        assert (handler.options.max_attempts, handler.is_async) == (1, False)

    @pytest.mark.parametrize("backend", [f"{PACKAGE}.backends.dummy.DummyBackend", "no.such.thing"])
    def test_nothing_is_imported_for_other_backends(self, known: Registry, backend: str) -> None:
        discover({"default": {"BACKEND": backend, "OPTIONS": {"modules": [FURTHER]}}})

        assert FURTHER not in sys.modules

    def test_a_backend_may_be_extended(self, known: Registry) -> None:
        path = f"{__name__}.Extended"
        discover({"default": {"BACKEND": path, "OPTIONS": {"modules": [FURTHER]}}})

        assert f"{FURTHER}.further" in known

    def test_a_site_without_the_backend_imports_nothing_of_it(self) -> None:
        loaded = run(
            "import tests.settings as settings; del settings.TASKS\n"
            "import django; django.setup()\n"
            "import sys; print(*(m for m in sys.modules if m.startswith("
            "('django_jobqueue.backends', 'django.tasks'))))",
            DJANGO_SETTINGS_MODULE="tests.settings",
        )

        assert loaded.split() == []

    def test_a_model_may_declare_tasks_before_the_apps_are_ready(self) -> None:
        printed = run(
            "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
            "from django.apps import apps; assert not apps.ready\n"
            f"from {PACKAGE} import task\n"
            "import tests.tasks\n"
            "import django; django.setup()\n"
            "from django_jobqueue import registry; print('tests.tasks.noop_task' in registry)"
        )

        assert printed.split() == ["True"]


class Extended(type(task_backends["default"])):  # type: ignore[misc]
    """What a site may make of it."""


def ids(messages: Any) -> list[str]:
    return [message.id for message in messages]


def messages_for(**options: Any) -> Any:
    with override_settings(TASKS={"default": {"BACKEND": BACKEND, "OPTIONS": options}}):
        return list(task_backends["default"].check())


class TestChecks:
    def test_options_that_can_be_are_fine(self) -> None:
        assert messages_for() == []
        assert messages_for(max_attempts=3, timeout=60, modules=["shop.work"]) == []

    def test_jobqueue_e020_options_that_cannot_be(self) -> None:
        [message] = messages_for(max_attempts=0)
        assert message.id == "jobqueue.E020"
        assert "TASKS['default']['OPTIONS']" in message.msg
        assert "max_attempts" in message.msg
        assert "what @job takes" in message.hint

    def test_jobqueue_e020_the_database_is_named_elsewhere(self) -> None:
        [message] = messages_for(DATABASE="other")
        assert "JOBQUEUE['DATABASE']" in message.hint

    def test_jobqueue_e021_the_app_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(apps, "is_installed", lambda name: False)

        assert ids(messages_for()) == ["jobqueue.E021"]

    def test_jobqueue_e022_the_backport_is_not_installed_as_an_app(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert check_backport() == []
        monkeypatch.setattr(apps, "is_installed", lambda name: False)

        assert ids(check_backport()) == (["jobqueue.E022"] if IS_BACKPORT else [])

    @pytest.mark.django_db
    def test_django_itself_asks_the_backends(self) -> None:
        options = {"default": {"BACKEND": BACKEND, "OPTIONS": {"max_attempts": 0}}}
        with override_settings(TASKS=options), pytest.raises(Exception, match=r"jobqueue\.E020"):
            call_command("check")


class TestWorkers:
    @pytest.mark.django_db(transaction=True)
    def test_runjobs_runs_tasks_beside_jobs(self) -> None:
        result, handle = tasks.calculate_meaning_of_life.enqueue(), add.enqueue(1, 2)

        call_command("runjobs", "--until-empty")

        result.refresh()
        assert (result.return_value, handle.result) == (42, 3)

    @COMMITTED
    def test_a_task_of_another_backend_runs_where_it_is_sent(self, worker: TaskWorker) -> None:
        result = tasks.declared_for_another_backend.using(backend="default").enqueue()
        worker.work()

        result.refresh()
        assert (result.return_value, result.backend) == ("ran", "default")
        assert result.task.backend == "default"

    @COMMITTED
    def test_a_task_may_be_enqueued_as_any_handler_is(self, worker: TaskWorker) -> None:
        handle = enqueuer_of("tests.tasks.get_task_id").enqueue()
        worker.work()

        result = tasks.get_task_id.get_result(str(handle.id))
        assert result.return_value == result.id
        assert result.enqueued_at == handle.refresh().snapshot.created_at

    @pytest.mark.django_db
    def test_a_deploy_that_cannot_run_the_tasks_that_wait_is_told(self) -> None:
        fits, other = tasks.noop_task.enqueue(1), tasks.calculate_meaning_of_life.enqueue()
        assert check_queued().misfits == ()

        Job.objects.filter(pk=other.id).update(payload={"args": [1], "kwargs": {}})
        Job.objects.filter(pk=fits.id).update(handler="tests.tasks.gone")

        found = {misfit.handler: misfit.reason for misfit in check_queued().misfits}
        assert found == {
            "tests.tasks.calculate_meaning_of_life": DeathReason.UNPROCESSABLE,
            "tests.tasks.gone": DeathReason.HANDLER_MISSING,
        }

    @pytest.mark.django_db
    def test_the_helpers_for_tests_run_tasks(self) -> None:
        at_last = tasks.succeed_at_last, tasks.succeed_at_last_async
        results = [task.enqueue() for task in at_last]

        counts = run_jobs().counts

        for result in results:
            result.refresh()
        assert [result.return_value for result in results] == [3, 3]
        assert counts == {"failed": 4, "succeeded": 2}

    @pytest.mark.django_db
    def test_receivers_work_in_the_transaction_of_such_a_test(self) -> None:
        def follow(**facts: Any) -> None:
            tasks.noop_task.enqueue("followed")

        signals.task_started.connect(follow)
        try:
            tasks.calculate_meaning_of_life_async.enqueue()
            run_jobs(limit=1)
        finally:
            signals.task_started.disconnect(follow)

        assert Job.objects.get().payload == {"args": ["followed"], "kwargs": {}}

    def test_the_admin_shows_tasks_by_their_names(self, admin_client: Any) -> None:
        tasks.noop_task.enqueue()

        page = admin_client.get("/admin/jobqueue/job/").content.decode()

        assert "tests.tasks.noop_task" in page


@pytest.mark.acceptance
def test_a_task_in_a_process_of_its_own_fails_as_any_other(apart: Apart, told: Told) -> None:
    apart.bus.subscribe(tell_framework, wants=wants)
    result = tasks.in_a_process_of_its_own.enqueue(os.getpid())
    apart.work()

    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 1)
    assert result.errors[0].exception_class is LookupError
    name, _, finished = told[-1]
    assert (name, finished.errors, finished.worker_ids) == (
        "task_finished",
        result.errors,
        result.worker_ids,
    )
