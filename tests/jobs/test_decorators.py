from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from django_jobqueue import JobClass, job
from django_jobqueue.core.errors import HandlerAlreadyRegistered, InvalidHandler, InvalidOptions
from django_jobqueue.jobs.decorators import JobFunction
from django_jobqueue.jobs.enqueueing import Enqueuer
from django_jobqueue.jobs.registry import Registry, registry
from tests.handlers import Divide, Ship, add, add_async, greet

from . import functions

ADDED = (
    "handler",
    "using",
    "enqueue",
    "aenqueue",
    "enqueue_and_wait",
    "aenqueue_and_wait",
    "enqueue_many",
    "aenqueue_many",
    "s",
)


@pytest.fixture
def own() -> Registry:
    return Registry()


@pytest.fixture
def quotient() -> Iterator[type]:
    """A class that @job may add to; what it adds is taken off again."""
    yield functions.Quotient
    for name in ADDED:
        if name in vars(functions.Quotient):
            delattr(functions.Quotient, name)


class TestFunctions:
    def test_a_function_under_job_is_still_a_function(self):
        assert add(1, b=2) == 3

    def test_an_async_function_under_job_still_gives_a_coroutine(self):
        coroutine = add_async(1, 2)

        with pytest.raises(StopIteration) as done:
            coroutine.send(None)
        assert done.value.value == 3

    def test_it_keeps_its_name_its_docstring_and_its_signature(self, own: Registry):
        made = job(registry=own)(functions.pair)

        assert isinstance(made, JobFunction)
        assert made.__name__ == "pair"
        assert made.__doc__ == "Add two numbers."
        assert made.__wrapped__ is functions.pair
        assert repr(made) == "<job 'tests.jobs.functions.pair'>"

    def test_bare_and_with_options_it_is_registered(self):
        assert registry.get("tests.handlers.add") is add.handler
        assert registry.get("tests.greet") is greet.handler
        assert greet.handler.options.queue == "mail"

    def test_a_name_that_is_taken_raises(self, own: Registry):
        job(registry=own)(functions.pair)

        with pytest.raises(HandlerAlreadyRegistered):
            job(registry=own)(functions.pair)

    def test_replace_takes_the_name_over(self, own: Registry):
        job(registry=own)(functions.pair)
        second = job(registry=own, replace=True)(functions.pair)

        assert own.get("tests.jobs.functions.pair") is second.handler

    def test_what_is_refused_is_not_registered(self, own: Registry):
        with pytest.raises(InvalidOptions):
            job(registry=own, queue="")(functions.pair)

        assert len(own) == 0


class TestClasses:
    def test_the_class_stays_the_class(self, own: Registry, quotient: type):
        assert job(registry=own)(quotient) is quotient
        assert functions.Quotient(6, 3).run() == 2

    def test_its_handler_is_had_from_the_class_and_from_an_instance(self):
        assert Divide.handler is Divide(1).handler is registry.get("tests.handlers.Divide")

    def test_a_struct_can_be_a_job(self):
        assert Ship.handler.name == "tests.ship"
        assert Ship(order=1).order == 1

    @pytest.mark.parametrize(
        ("declared", "name"), [(functions.HidesUsing, "using"), (functions.HidesEnqueue, "enqueue")]
    )
    def test_a_field_or_method_that_job_would_hide_is_refused(
        self, own: Registry, declared: type, name: str
    ):
        with pytest.raises(InvalidHandler, match=f"adds '{name}' to the class"):
            job(registry=own)(declared)

        assert len(own) == 0

    def test_a_class_that_extends_a_job_is_none_until_it_says_so(self):
        @dataclass
        class Sub(Divide):
            def run(self) -> float:
                return 0.0

        with pytest.raises(AttributeError, match="put @job on it"):
            Sub.enqueue  # noqa: B018 - the access is the test


class TestTheBaseThatIsThereForTypeCheckers:
    def test_class_and_instance_do_what_they_do_without_it(self, own: Registry):
        product = job(registry=own)(functions.Product)

        assert product is functions.Product
        assert product(2, b=3).run() == 6
        assert own.get("tests.jobs.functions.Product") is product.handler is product(2).handler
        assert isinstance(product.using(queue="slow"), Enqueuer)
        assert product.s(2, b=3) == product(2, b=3).s()

    def test_a_struct_can_have_it_too(self, own: Registry):
        shipment = job(registry=own)(functions.Shipment)

        assert shipment.s(order=1) == shipment(order=1).s()

    @pytest.mark.parametrize("name", ADDED)
    def test_without_job_it_has_none_of_what_job_adds(self, name: str):
        with pytest.raises(AttributeError, match=r"Undeclared'> is no job: put @job on it$"):
            getattr(functions.Undeclared, name)

    def test_it_names_exactly_what_job_adds(self):
        assert {name for name in vars(JobClass) if not name.startswith("__")} == set(ADDED)
