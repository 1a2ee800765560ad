import pytest

from django_jobqueue.core.errors import HandlerAlreadyRegistered, HandlerNotRegistered
from django_jobqueue.jobs.handlers import Handler
from django_jobqueue.jobs.registry import Registry

from . import functions


@pytest.fixture
def registry() -> Registry:
    return Registry()


def handler(name: str, *aliases: str) -> Handler:
    return Handler.of(functions.pair, name=name, aliases=aliases)


def test_a_handler_is_found_by_its_name(registry: Registry):
    send = handler("send")
    registry.register(send)

    assert registry.get("send") is send
    assert "send" in registry
    assert len(registry) == 1


def test_a_handler_is_found_by_the_names_it_had_before(registry: Registry):
    send = handler("mail.send", "old.send", "older.send")
    registry.register(send)

    assert registry.get("old.send") is registry.get("older.send") is send
    assert registry.names == ("mail.send", "old.send", "older.send")
    assert list(registry) == [send]
    assert len(registry) == 1


def test_an_unknown_name_is_answered_with_the_nearest_one(registry: Registry):
    registry.register(handler("shop.jobs.send"))

    with pytest.raises(HandlerNotRegistered, match=r"Did you mean 'shop\.jobs\.send'"):
        registry.get("shop.jobs.sent")


@pytest.mark.parametrize("second", [handler("send"), handler("post", "send")])
def test_a_name_that_is_taken_is_refused(registry: Registry, second: Handler):
    first = handler("send")
    registry.register(first)

    with pytest.raises(HandlerAlreadyRegistered, match="'send'"):
        registry.register(second)

    assert registry.names == ("send",)
    assert registry.get("send") is first


def test_a_handler_whose_alias_is_taken_is_not_registered_at_all(registry: Registry):
    registry.register(handler("send"))

    with pytest.raises(HandlerAlreadyRegistered):
        registry.register(handler("post", "send"))

    assert "post" not in registry


def test_replace_puts_a_handler_in_the_place_of_another(registry: Registry):
    registry.register(handler("send"))
    second = handler("send")

    registry.register(second, replace=True)

    assert registry.get("send") is second


def test_a_handler_may_register_while_another_thread_loops_over_all(registry: Registry):
    registry.register(handler("a"))

    seen = []
    for each in registry:
        registry.register(handler("b"), replace=True)
        seen.append(each.name)

    assert seen == ["a"]
