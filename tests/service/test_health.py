import gc
import threading

import pytest

from django_jobqueue.service import (
    DuplicateComponent,
    Health,
    HealthRegistry,
    HealthStatus,
    Service,
    ServiceFailed,
    ServiceTaskKind,
)

from .running import PATIENCE, hung, running, task

READY = HealthStatus.READY
AFFECTED = HealthStatus.AFFECTED
SHUTTING_DOWN = HealthStatus.SHUTTING_DOWN
SHUT_DOWN = HealthStatus.SHUT_DOWN
NOT_READY = HealthStatus.NOT_READY
PANICKED = HealthStatus.PANICKED
FROM_BEST_TO_WORST = [READY, AFFECTED, SHUTTING_DOWN, SHUT_DOWN, NOT_READY, PANICKED]


@pytest.fixture
def registry():
    return HealthRegistry()


def status_of(registry, name):
    return registry.report().components[name].status


class TestTheWhole:
    def test_is_ready_without_components(self, registry):
        report = registry.report()

        assert report.status is READY
        assert report.is_healthy
        assert report.components == {}

    @pytest.mark.parametrize("one", range(6))
    @pytest.mark.parametrize("other", range(6))
    def test_is_the_worst_of_its_components(self, registry, one, other):
        registry.add_check("a", lambda: FROM_BEST_TO_WORST[one])
        registry.add_check("b", lambda: FROM_BEST_TO_WORST[other])

        assert registry.report().status is FROM_BEST_TO_WORST[max(one, other)]

    @pytest.mark.parametrize("status", HealthStatus)
    def test_is_healthy_if_ready_or_affected(self, registry, status):
        registry.add_check("database", lambda: status)

        assert registry.report().is_healthy is (status in (READY, AFFECTED))

    def test_names_its_components_in_order_of_registration(self, registry):
        registry.add_check("b", lambda: READY)
        a = registry.updater("a")
        a.update(AFFECTED, backlog=7)

        assert registry.report().components == {
            "b": Health(status=READY),
            "a": Health(status=AFFECTED, details={"backlog": 7}),
        }

    def test_takes_no_component_twice(self, registry):
        kept = registry.updater("pump")
        kept.update(READY)
        with pytest.raises(DuplicateComponent, match="'pump' already reports"):
            registry.updater("pump")
        with pytest.raises(DuplicateComponent, match="'pump' already reports"):
            registry.add_check("pump", lambda: PANICKED)

        assert status_of(registry, "pump") is READY


class TestAnUpdater:
    def test_is_not_ready_until_it_says_otherwise(self, registry):
        updater = registry.updater("pump")
        assert status_of(registry, "pump") is NOT_READY

        updater.update(READY)

        assert status_of(registry, "pump") is READY

    def test_leaves_shut_down(self, registry):
        with registry.updater("pump") as updater:
            updater.update(READY)

        assert status_of(registry, "pump") is SHUT_DOWN

    @pytest.mark.parametrize("error", [ValueError("bad"), SystemExit("bad")])
    def test_leaves_panicked_with_the_error_while_an_exception_unwinds(self, registry, error):
        with pytest.raises(type(error)), registry.updater("pump"):
            raise error

        assert registry.report().components["pump"] == Health(
            status=PANICKED, details={"error": f"{type(error).__name__}: bad"}
        )

    def test_leaves_shut_down_when_it_is_dropped(self, registry):
        updater = registry.updater("pump")
        updater.update(READY)
        del updater
        gc.collect()

        assert status_of(registry, "pump") is SHUT_DOWN

    def test_leaves_panicked_when_it_is_dropped_where_an_exception_is_handled(self, registry):
        updater = registry.updater("pump")
        try:
            raise ValueError("bad")
        except ValueError:
            del updater
            gc.collect()

        assert status_of(registry, "pump") is PANICKED

    def test_keeps_its_last_value_once_frozen(self, registry):
        with registry.updater("migration") as updater:
            updater.update(AFFECTED, rows=3)
            updater.freeze()
            updater.update(NOT_READY)
        del updater
        gc.collect()

        assert registry.report().components["migration"] == Health(
            status=AFFECTED, details={"rows": 3}
        )

    def test_has_no_effect_after_it_was_left(self, registry):
        with registry.updater("pump") as updater:
            pass
        updater.update(READY)

        assert status_of(registry, "pump") is SHUT_DOWN


class TestACheck:
    def test_answer_is_asked_for_at_every_report(self, registry):
        answers = [READY, NOT_READY]
        registry.add_check("database", lambda: answers.pop(0))

        assert [status_of(registry, "database") for _ in range(2)] == [READY, NOT_READY]

    def test_answer_may_have_details(self, registry):
        health = Health(status=AFFECTED, details={"lag": 4})
        registry.add_check("database", lambda: health)

        assert registry.report().components["database"] == health

    @pytest.mark.parametrize("error", [ValueError("bad"), SystemExit("bad")])
    def test_exception_is_a_panic_of_its_component_only(self, registry, error):
        def check():
            raise error

        registry.add_check("database", check)
        registry.add_check("disk", lambda: READY)
        components = registry.report().components

        assert components["database"].status is PANICKED
        assert components["database"].details == {"error": f"{type(error).__name__}: bad"}
        assert components["disk"].status is READY

    def test_that_finds_no_thread_to_run_in_is_a_panic(self, registry, monkeypatch):
        def no_more_threads(thread):
            raise RuntimeError("can't start new thread")

        registry.add_check("database", lambda: READY)
        monkeypatch.setattr(threading.Thread, "start", no_more_threads)

        assert registry.report().components["database"] == Health(
            status=PANICKED, details={"error": "RuntimeError: can't start new thread"}
        )

    def test_answer_that_is_none_is_a_panic(self, registry):
        registry.add_check("database", lambda: None)

        assert status_of(registry, "database") is PANICKED


class TestSlowChecks:
    def test_are_slow_over_half_a_second_and_failed_over_three(self, registry):
        assert (registry.slow_after, registry.failed_after) == (0.5, 3.0)

    def test_are_marked_and_logged(self, caplog):
        registry = HealthRegistry(slow_after=0)
        registry.add_check("database", lambda: READY)
        health = registry.report().components["database"]

        assert (health.status, health.is_slow) == (READY, True)
        assert "Health check of database is slow" in caplog.text

    def test_are_not_ready_once_they_take_too_long(self, caplog):
        registry = HealthRegistry(failed_after=0.25)
        with hung() as hang:
            registry.add_check("database", hang)
            registry.add_check("disk", lambda: READY)
            components = registry.report().components

        assert components["database"] == Health(
            status=NOT_READY, details={"error": "no answer within 0.25 s"}, is_slow=True
        )
        assert components["disk"] == Health(status=READY)
        assert "Health check of database failed: no answer within 0.25 s" in caplog.text

    def test_run_at_the_same_time(self, registry):
        both = threading.Barrier(2, timeout=PATIENCE)

        def check():
            both.wait()
            return READY

        registry.add_check("a", check)
        registry.add_check("b", check)

        assert registry.report().status is READY

    def test_that_hang_cost_one_thread_however_often_they_are_asked(self):
        registry = HealthRegistry(failed_after=0.01)
        calls = []
        with hung() as hang:
            registry.add_check("database", lambda: (calls.append(1), hang()))
            statuses = [status_of(registry, "database") for _ in range(5)]

        assert statuses == [NOT_READY] * 5
        assert calls == [1]

    def test_that_have_recovered_are_asked_anew(self):
        registry = HealthRegistry(failed_after=0.25)
        with hung() as hang:
            todo = [hang, lambda: READY]
            registry.add_check("database", lambda: todo.pop(0)())
            assert status_of(registry, "database") is NOT_READY

        assert status_of(registry, "database") is READY


class TestTheHealthOfAService:
    def test_goes_from_not_ready_to_ready_to_shutting_down_to_shut_down(self, registry):
        looked, may_hold, stopping, may_end = (threading.Event() for _ in range(4))
        seen = []

        def database(stop):
            seen.append(status_of(registry, "service"))
            looked.set()
            may_hold.wait(PATIENCE)

        def pump(stop):
            stop.wait()
            stopping.set()
            may_end.wait(PATIENCE)

        service = Service(
            [task("pump", pump), task("database", database, kind=ServiceTaskKind.PRECONDITION)],
            health=registry,
        )
        with running(service) as it:
            assert looked.wait(PATIENCE)
            may_hold.set()
            seen.append(status_after(registry, NOT_READY))
            it.sender.send()
            assert stopping.wait(PATIENCE)
            seen.append(status_after(registry, READY))
            may_end.set()
            assert it.end() is None
        seen.append(status_of(registry, "service"))

        assert seen == [NOT_READY, READY, SHUTTING_DOWN, SHUT_DOWN]

    def test_is_panicked_when_it_failed(self, registry):
        with pytest.raises(ServiceFailed):
            Service([task("pump", lambda stop: 1 / 0)], health=registry).run()

        assert status_of(registry, "service") is PANICKED


def status_after(registry, known):
    """Return the status of the service once it is another than the known one."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.005)):
        if (status := status_of(registry, "service")) is not known:
            return status
        pause.wait(0.005)
    raise AssertionError(f"the service stayed {known}")
