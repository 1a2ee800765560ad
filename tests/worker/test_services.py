"""Service tasks that a site adds to its workers."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.core.cache import cache

from django_jobqueue import JobState
from django_jobqueue.core.errors import InvalidSettings
from django_jobqueue.service import ServiceTask
from django_jobqueue.worker.services import find_maker, make_services

from . import service_tasks
from .site import COMMITTED, PATIENCE, Site, within

HERE = service_tasks.__name__


def refusal(*names: str, beside: tuple[ServiceTask, ...] = ()) -> str:
    with pytest.raises(InvalidSettings) as refused:
        make_services([f"{HERE}.{name}" for name in names], beside=beside)
    return str(refused.value)


@pytest.fixture(autouse=True)
def fresh_events() -> None:
    service_tasks.may_hold.clear()
    service_tasks.has_run.clear()


class TestMaking:
    def test_classes_and_factories_become_tasks_in_their_order(self):
        made = make_services([f"{HERE}.another_feed", f"{HERE}.Feed"], beside=())

        assert [task.id for task in made] == ["another feed", "feed"]

    def test_each_worker_has_tasks_of_its_own(self):
        [one], [other] = (make_services([f"{HERE}.Feed"], beside=()) for _ in range(2))

        assert one is not other

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("Missing", "cannot be imported: ImportError: Module "),
            ("NoServiceTask", "is a class, but no ServiceTask"),
            ("A_TEXT", "is 'feed', neither a ServiceTask class nor a function"),
            ("Failing", "failed when it was called: ValueError: no feed today"),
            ("nothing", "returned None, which is no ServiceTask"),
            ("Nameless", "has the id '': give it a text"),
        ],
    )
    def test_what_is_no_service_task_is_refused_by_name(self, name: str, why: str):
        assert refusal(name).startswith(f"JOBQUEUE['SERVICES'] names '{HERE}.{name}', which {why}")

    @pytest.mark.parametrize("path", ["", "feed", "no.such.module", "tests..worker"])
    def test_a_path_that_leads_nowhere_is_refused(self, path: str):
        with pytest.raises(InvalidSettings, match="cannot be imported"):
            find_maker(path)

    def test_two_tasks_of_one_id_are_refused(self):
        assert "has the id 'feed', which another service task has" in refusal("Feed", "Feed")

    @pytest.mark.django_db
    def test_the_id_of_a_duty_is_taken(self, site: Site):
        with pytest.raises(InvalidSettings, match="has the id 'pump', which another"):
            site.build(services=[f"{HERE}.another_pump"])


class TestRunning:
    pytestmark = COMMITTED

    def test_they_run_beside_the_duties(self, site: Site):
        with site.working(services=[f"{HERE}.Feed"]) as running:
            running.polls()

            assert service_tasks.has_run.wait(PATIENCE)

    def test_no_job_is_claimed_before_a_precondition_of_the_site_holds(self, site: Site):
        runs = site.counted("held back")
        handle = site.declared["held back"].enqueue()
        with site.working(services=[f"{HERE}.Held"]) as running:
            assert service_tasks.has_run.wait(PATIENCE)
            assert not running.worker.polling.wait(0.3)
            assert runs == []

            service_tasks.may_hold.set()

            assert handle.wait(PATIENCE).state == JobState.SUCCEEDED

    def test_a_precondition_that_waits_does_not_hold_up_a_stop(self, site: Site):
        with site.working(services=[f"{HERE}.Held"]) as running:
            assert service_tasks.has_run.wait(PATIENCE)
            running.worker.stop()
            running.end()

            assert not running.worker.polling.is_set()

    def test_the_example_of_the_documentation_does_what_it_says(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ):
        page = Path(__file__).parents[2] / "docs/operations.md"
        blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.M | re.S)
        [source] = [block for block in blocks if "ServiceTask" in block]
        module = ModuleType("shop_services")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(source, str(page), "exec"), module.__dict__)
        cache.clear()

        with site.working(
            services=["shop_services.MaintenanceIsOver", "shop_services.Announcement"]
        ) as running:
            running.polls()

            assert within(PATIENCE, lambda: cache.get("announcement") == "jobs are being run")
