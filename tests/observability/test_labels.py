import pytest

from django_jobqueue import job
from django_jobqueue.core.health import Health, QueueHealth
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.observability.labels import OTHER, OTHERS_LOOKED_AT, Labels


def work() -> None: ...


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    job(name="shop.send", aliases=["shop.old_send"], queue="mail", registry=registry)(work)
    return registry


def health_of(**ready: int) -> Health:
    queues = [
        QueueHealth(queue=name, ready=number, oldest_wait=float(number), is_paused=number > 1)
        for name, number in ready.items()
    ]
    about = {"workers": 1, "oldest_heartbeat": None, "dead_last_hour": 0, "count_limit": 10}
    return Health(queues=tuple(queues), **about)


def test_a_handler_goes_by_its_own_name(registry: Registry):
    labels = Labels(registry)

    assert labels.handler("shop.send") == "shop.send"
    assert labels.handler("shop.old_send") == "shop.send"
    assert labels.handler("shop.unknown") == OTHER


def test_queues_are_those_of_handlers_of_the_settings_and_the_default_one(registry: Registry):
    labels = Labels(registry, named=lambda: ("reports",))

    known = [labels.queue(name) for name in ("mail", "reports", "default", "tenant-7", "")]
    assert known == ["mail", "reports", "default", OTHER, OTHER]


def test_a_handler_that_is_registered_later_is_known_then(registry: Registry):
    labels = Labels(registry)
    assert labels.queue("late") == OTHER

    job(name="late", queue="late", registry=registry)(work)

    assert (labels.queue("late"), labels.handler("late")) == ("late", "late")


def test_of_the_others_only_some_are_looked_at(registry: Registry):
    names = [*(f"q{number}" for number in range(10_000)), "mail"]

    wanted = Labels(registry).to_look_at(names)

    assert {"mail", "default"} <= set(wanted)
    assert len(wanted) == 2 + OTHERS_LOOKED_AT


def test_the_others_are_one_queue(registry: Registry):
    [mail, others] = Labels(registry).summed(health_of(mail=1, one=2, two=3))

    assert mail == QueueHealth(queue="mail", ready=1, oldest_wait=1.0, is_paused=False)
    assert others == QueueHealth(queue=OTHER, ready=5, oldest_wait=3.0, is_paused=True)


def test_without_others_there_is_none_of_that_name(registry: Registry):
    assert [one.queue for one in Labels(registry).summed(health_of(mail=1))] == ["mail"]
