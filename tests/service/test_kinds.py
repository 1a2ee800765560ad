"""What each kind of task waits for, and what its return means for the service."""

import threading

import pytest

from django_jobqueue.service import Service, ServiceFailed, ServiceTaskKind, StopSender, TaskError

from .running import GLANCE, PATIENCE, raising, running, task

TASK = ServiceTaskKind.TASK
ONESHOT = ServiceTaskKind.ONESHOT_TASK
UNCONSTRAINED = ServiceTaskKind.UNCONSTRAINED_TASK
UNCONSTRAINED_ONESHOT = ServiceTaskKind.UNCONSTRAINED_ONESHOT_TASK
PRECONDITION = ServiceTaskKind.PRECONDITION


def test_there_are_five_kinds():
    assert [kind.value for kind in ServiceTaskKind] == [
        "Task",
        "OneshotTask",
        "UnconstrainedTask",
        "UnconstrainedOneshotTask",
        "Precondition",
    ]


def test_the_barrier_counts_what_waits_for_it_and_the_preconditions():
    assert {kind for kind in ServiceTaskKind if kind.counts_at_barrier} == {
        TASK,
        ONESHOT,
        PRECONDITION,
    }


@pytest.mark.parametrize("kind", [TASK, ONESHOT])
def test_a_constrained_task_starts_once_every_precondition_has_returned(kind):
    started, started_too_early = threading.Event(), []
    first_holds = threading.Event()

    def second(stop):
        first_holds.wait(PATIENCE)
        started_too_early.append(started.wait(GLANCE))

    service = Service(
        [
            task("work", lambda stop: started.set(), kind=kind),
            task("first", lambda stop: first_holds.set(), kind=PRECONDITION),
            task("second", second, kind=PRECONDITION),
        ]
    )
    service.run()

    assert started.is_set()
    assert started_too_early == [False]


@pytest.mark.parametrize("kind", [UNCONSTRAINED, UNCONSTRAINED_ONESHOT])
def test_an_unconstrained_task_starts_while_preconditions_are_still_waited_for(kind):
    started = threading.Event()

    def wait_for_the_unconstrained(stop):
        assert started.wait(PATIENCE)

    Service(
        [
            task("database", wait_for_the_unconstrained, kind=PRECONDITION),
            task("work", lambda stop: started.set(), kind=kind),
        ]
    ).run()

    assert started.is_set()


@pytest.mark.parametrize("kind", [TASK, UNCONSTRAINED])
def test_the_return_of_a_lasting_task_stops_the_service(kind):
    other_runs, stopped = threading.Event(), []

    def other(stop):
        other_runs.set()
        stopped.append(stop.wait(PATIENCE))

    Service(
        [task("other", other), task("work", lambda stop: other_runs.wait(PATIENCE), kind=kind)]
    ).run()

    assert stopped == [True]


@pytest.mark.parametrize("kind", [ONESHOT, UNCONSTRAINED_ONESHOT, PRECONDITION])
def test_the_return_of_a_oneshot_or_precondition_leaves_the_service_running(kind):
    returned = threading.Event()
    stopped_by_return = []

    def outlast(stop):
        assert returned.wait(PATIENCE)
        stopped_by_return.append(stop.wait(GLANCE))

    Service([task("work", lambda stop: returned.set(), kind=kind), task("other", outlast)]).run()

    assert stopped_by_return == [False]


@pytest.mark.parametrize("kind", ServiceTaskKind)
def test_an_error_of_any_kind_of_task_stops_the_service(kind):
    service = Service(
        [
            task("other", kind=UNCONSTRAINED),
            task("work", raising(TaskError("no more")), kind=kind),
        ]
    )

    with pytest.raises(ServiceFailed, match=r"\AService stopped: Task work failed: no more\Z"):
        service.run()


def test_a_service_of_oneshots_ends_well_when_the_last_of_them_has_finished():
    done = []
    first_done = threading.Event()

    def second(stop):
        assert first_done.wait(PATIENCE)
        assert not stop.wait(GLANCE)
        done.append("second")

    Service(
        [
            task("database", lambda stop: None, kind=PRECONDITION),
            task("first", lambda stop: first_done.set(), kind=UNCONSTRAINED_ONESHOT),
            task("second", second, kind=ONESHOT),
        ]
    ).run()

    assert done == ["second"]


def test_a_service_of_unconstrained_oneshots_waits_for_each_of_them_too():
    done, first_done = [], threading.Event()

    def slower(stop):
        assert first_done.wait(PATIENCE)
        done.append(stop.wait(GLANCE))

    Service(
        [
            task("slower", slower, kind=UNCONSTRAINED_ONESHOT),
            task("first", lambda stop: first_done.set(), kind=ONESHOT),
        ]
    ).run()

    assert done == [False]


def test_a_service_with_a_lasting_task_goes_on_when_its_oneshots_have_finished():
    finished, ended_by_oneshots = threading.Event(), []

    def last(stop):
        assert finished.wait(PATIENCE)
        ended_by_oneshots.append(stop.wait(GLANCE))

    Service(
        [
            task("oneshot", lambda stop: finished.set(), kind=UNCONSTRAINED_ONESHOT),
            task("last", last),
        ]
    ).run()

    assert ended_by_oneshots == [False]


def test_oneshots_run_at_the_same_time():
    both = threading.Barrier(2, timeout=PATIENCE)

    Service([task(id, lambda stop: both.wait(), kind=ONESHOT) for id in ("a", "b")]).run()

    assert not both.broken


def test_a_stop_during_the_preconditions_ends_well_what_has_not_started_without_running_it():
    ran, waits = [], threading.Event()

    def never_holds(stop):
        waits.set()
        stop.wait()

    service = Service(
        [
            task("database", never_holds, kind=PRECONDITION),
            task("pump", lambda stop: ran.append("pump")),
            task("import", lambda stop: ran.append("import"), kind=ONESHOT),
        ]
    )
    with running(service) as it:
        assert waits.wait(PATIENCE)
        it.sender.send()

        assert it.end() is None
    assert ran == []


def test_a_stop_that_came_before_the_run_lets_nothing_start():
    ran, sender = [], StopSender()
    sender.send()
    service = Service(
        [task(kind.value, lambda stop: ran.append(1), kind=kind) for kind in ServiceTaskKind]
    )

    service.run(sender.receiver())

    assert ran == []


def test_a_failing_precondition_is_named_first_and_nothing_constrained_starts():
    ran = []
    service = Service(
        [
            task("pump", lambda stop: ran.append("pump")),
            task("database", raising(TaskError("no migrations")), kind=PRECONDITION),
        ]
    )

    with pytest.raises(ServiceFailed) as caught:
        service.run()

    assert str(caught.value) == "Service stopped: Task database failed: no migrations"
    assert ran == []
