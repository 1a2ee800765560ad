import contextlib

import pytest

from django_jobqueue.service import (
    FunctionTask,
    HealthRegistry,
    NoTasks,
    RegistrationFailed,
    Service,
    ServiceTask,
    ServiceTaskKind,
)

from .running import task

PRECONDITION = ServiceTaskKind.PRECONDITION


class Held(FunctionTask):
    """A task that notes when what is around it is entered and left."""

    def __init__(self, id, notes, *, error=None):
        super().__init__(id, lambda stop: notes.append(f"{id} runs"))
        self.notes, self.error = notes, error

    @contextlib.contextmanager
    def around(self):
        if self.error:
            raise self.error
        self.notes.append(f"{self.id} entered")
        try:
            yield
        finally:
            self.notes.append(f"{self.id} left")


class Nameless(ServiceTask):
    def run(self, stop):
        raise AssertionError("a service with this task does not start")


class Odd(Nameless):
    id, kind = "odd", "sometimes"


def test_a_service_without_tasks_is_an_error():
    with pytest.raises(NoTasks, match="has no tasks"):
        Service().run()


def test_preconditions_do_not_count_as_tasks():
    ran = []
    service = Service([task("database", lambda stop: ran.append(1), kind=PRECONDITION)])

    with pytest.raises(NoTasks):
        service.run()
    assert ran == []


def test_a_service_whose_only_task_was_refused_tells_why_and_not_that_it_has_none():
    with pytest.raises(RegistrationFailed, match="'pump' is not a ServiceTask"):
        Service(["pump"]).run()


@pytest.mark.parametrize("task_id", [None, "", 5])
def test_an_id_that_is_no_text_is_refused(task_id):
    nameless = Nameless()
    nameless.id = task_id

    with pytest.raises(RegistrationFailed, match=f"Nameless has the id {task_id!r}"):
        Service([nameless]).run()


@pytest.mark.parametrize("name", ["shutdown_timeout", "hook_timeout"])
def test_a_time_that_no_wait_can_take_is_refused_by_its_name(name):
    with pytest.raises(ValueError, match=f"^{name} must be a number of seconds"):
        Service(**{name: -1})


def test_all_problems_are_reported_together_in_order_and_then_nothing_runs():
    ran = []
    service = Service([task("pump", lambda stop: ran.append("pump")), task("pump"), Nameless()])
    service.add(Odd())
    service.add("not a task")
    service.add_shutdown_hook("close", lambda: ran.append("hook"))
    service.add_shutdown_hook("close", lambda: ran.append("hook"))
    service.add_shutdown_hook("flush", None)
    service.add(Held("broken", ran, error=OSError("no such device")))

    with pytest.raises(RegistrationFailed) as caught:
        service.run()

    assert caught.value.problems == (
        "two tasks have the id 'pump': the second is a FunctionTask",
        "Nameless has the id None: give it a text",
        "task odd has the kind 'sometimes', which is not a ServiceTaskKind",
        "'not a task' is not a ServiceTask",
        "two shutdown hooks have the name 'close'",
        "shutdown hook flush is None, which cannot be called",
        "task broken could not be set up: OSError: no such device",
    )
    assert str(caught.value).splitlines()[:2] == [
        "Nothing was started:",
        "- two tasks have the id 'pump': the second is a FunctionTask",
    ]
    assert ran == []


def test_what_is_around_a_task_is_held_from_before_the_first_start_until_after_the_last_hook():
    notes = []
    service = Service([task("first", lambda stop: notes.append("first runs")), Held("b", notes)])
    service.add_shutdown_hook("close", lambda: notes.append("hook"))
    service.run()

    assert notes[0] == "b entered"
    assert notes[-2:] == ["hook", "b left"]


def test_what_was_set_up_is_left_again_when_the_registration_fails():
    notes = []
    service = Service([Held("a", notes), Held("b", notes, error=ValueError("no"))])

    with pytest.raises(RegistrationFailed, match="task b could not be set up: ValueError: no"):
        service.run()

    assert notes == ["a entered", "a left"]


def test_a_health_registry_that_has_a_service_takes_no_second():
    health = HealthRegistry()
    Service([task("work", lambda stop: None)], health=health).run()

    with pytest.raises(RegistrationFailed, match="'service' already reports"):
        Service([task("work", lambda stop: None)], health=health).run()


def test_a_service_runs_once():
    service = Service([task("work", lambda stop: None)])
    service.run()

    with pytest.raises(RuntimeError, match="has been run"):
        service.run()
    with pytest.raises(RuntimeError, match="has been run"):
        service.add(task("late"))
    with pytest.raises(RuntimeError, match="has been run"):
        service.add_shutdown_hook("late", print)
