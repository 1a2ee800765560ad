"""`chain(a.s(…), b.s(…)).enqueue()`, and what workers make of it."""

from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from django_jobqueue import (
    Discard,
    InvalidArguments,
    InvalidOptions,
    JobCall,
    JobState,
    PayloadError,
    UniqueConflict,
    cancel,
    chain,
    requeue,
)
from django_jobqueue.core.backoff import Constant
from django_jobqueue.models import Job
from tests.worker.site import COMMITTED, Site

pytestmark = COMMITTED

NO_WAIT = Constant(0)


def answer() -> str:
    return "an answer"


def print_it(text: str) -> None: ...


def double(number: int) -> int:
    return 2 * number


def takes_anything(**named: object) -> None: ...


@dataclass
class Half:
    number: float

    def run(self) -> float:
        return self.number / 2


@pytest.fixture
def site() -> Site:
    return Site()


def states(handles: list[Any]) -> list[JobState]:
    return [one.refresh().state for one in handles]


class TestWorking:
    def test_the_jobs_run_one_after_another_and_hand_their_results_on(self, site: Site) -> None:
        runs: list[object] = []

        def fetch(url: str) -> dict[str, int]:
            runs.append(url)
            return {"size": len(url)}

        def store(page: dict[str, int], *, name: str) -> int:
            runs.append((page, name))
            return page["size"]

        def tell(size: int) -> None:
            runs.append(size)

        fetch, store, tell = site.job(fetch), site.job(store), site.job(tell)
        handles = chain(
            fetch.s("abc"),
            store.using(result_as="page").s(name="n"),
            tell.using(result_as="size", queue="other").s(),
        ).enqueue()
        site.work()

        assert states(handles) == [JobState.SUCCEEDED] * 3
        assert runs == ["abc", ({"size": 3}, "n"), 3]

    def test_a_retry_in_between_delays_the_rest(self, site: Site) -> None:
        tries: list[int] = []

        def fails_once() -> str:
            tries.append(1)
            if len(tries) == 1:
                raise ValueError
            return "done"

        first, second = site.job(fails_once, max_attempts=2), site.job(print_it)
        handles = chain(first.s(), second.using(result_as="text").s()).enqueue()
        site.work(backoff=NO_WAIT)

        assert states(handles) == [JobState.SUCCEEDED] * 2

    def test_a_record_that_is_not_kept_is_kept_for_the_next(self, site: Site) -> None:
        first, second = site.job(answer, keep=False), site.job(print_it, keep=False)
        handles = chain(first.s(), second.using(result_as="text").s()).enqueue()
        site.work()

        assert handles[0].refresh().result == "an answer"
        assert not Job.objects.exists()

    def test_a_transactional_handler_lets_the_next_go_on(self, site: Site) -> None:
        first = site.job(answer, transactional=True, timeout=5)
        handles = chain(first.s(), site.job(print_it).using(result_as="text").s()).enqueue()
        site.work()

        assert states(handles) == [JobState.SUCCEEDED] * 2

    def test_a_result_of_the_wrong_type_is_unprocessable(self, site: Site) -> None:
        handles = chain(
            site.job(answer).s(), site.job(double).using(result_as="number").s()
        ).enqueue()
        site.work()

        assert states(handles) == [JobState.SUCCEEDED, JobState.DEAD]
        assert handles[1].snapshot.reason == "unprocessable"

    @pytest.mark.parametrize("on_failure", ["cancel", "hold"])
    def test_a_death_cancels_the_rest_or_lets_them_hold(self, site: Site, on_failure: Any) -> None:
        answers: list[Any] = [Discard("no"), "yes"]
        first = site.job(lambda: answers.pop(0), name="first")
        second = site.job(print_it)
        handles = chain(
            first.s(), second.using(result_as="text").s(), on_failure=on_failure
        ).enqueue()
        site.work()

        holds = on_failure == "hold"
        rest = JobState.BLOCKED if holds else JobState.CANCELLED
        assert states(handles) == [JobState.DEAD, rest]
        if holds:
            requeue(handles[0].id)
            site.work()
            assert states(handles) == [JobState.SUCCEEDED] * 2

    def test_an_unknown_handler_in_between_ends_the_chain(self, site: Site) -> None:
        first, second = site.job(answer), site.job(print_it)
        handles = chain(first.s(), second.using(result_as="text").s()).enqueue()
        Job.objects.filter(pk=handles[0].id).update(handler="nobody's")
        site.work(unknown_handler_grace=0)

        assert states(handles) == [JobState.DEAD, JobState.CANCELLED]

    def test_a_worker_that_is_idle_is_woken_for_the_next(self, site: Site) -> None:
        first, second = site.job(answer, queue="a"), site.job(print_it, queue="b")
        handles: list[Any] = []
        with site.working() as running:
            running.polls()
            handles += chain(first.s(), second.using(result_as="text").s()).enqueue()
            site.told.wait_for("job.succeeded", times=2)

        assert states(handles) == [JobState.SUCCEEDED] * 2

    def test_cancelling_the_first_cancels_all(self, site: Site) -> None:
        handles = chain(*(site.job(answer, name=f"n{n}").s() for n in range(3))).enqueue()

        assert cancel(handles[0].id).cancelled == 3
        assert set(states(handles)) == {JobState.CANCELLED}


class TestEnqueueing:
    def test_it_is_part_of_the_callers_transaction(self, site: Site) -> None:
        with transaction.atomic():
            chain(site.job(answer).s(), site.job(print_it).s("x")).enqueue()
            transaction.set_rollback(True)

        assert not Job.objects.exists()

    def test_a_taken_key_leaves_nothing_behind(self, site: Site) -> None:
        first, second = site.job(answer), site.job(print_it, unique=True)
        second.enqueue("x")

        with pytest.raises(UniqueConflict):
            chain(first.s(), second.s("x")).enqueue()

        assert Job.objects.count() == 1

    def test_the_first_of_a_chain_is_told_and_so_are_the_others(
        self, site: Site, told: list[tuple[str, dict[str, object]]]
    ) -> None:
        handles = chain(site.job(answer).s(), site.job(print_it).s("x")).enqueue()

        enqueued = [facts["job_id"] for name, facts in told if name == "job.enqueued"]
        assert enqueued == [one.id for one in handles]

    def test_classes_and_their_instances_can_be_links(self, site: Site) -> None:
        made = site.job(Half, name="half")
        handles = chain(made(8).s(), made.using(result_as="number").s()).enqueue()
        site.work()

        assert [one.refresh().result for one in handles] == [4.0, 2.0]

    def test_its_async_twin_does_the_same(self, site: Site) -> None:
        made = chain(site.job(answer).s(), site.job(print_it).s("x"))

        assert len(async_to_sync(made.aenqueue)()) == Job.objects.count() == 2


class TestRefusals:
    def test_arguments_are_checked_where_the_call_is_made(self, site: Site) -> None:
        made = site.job(print_it)

        with pytest.raises(InvalidArguments):
            made.s()
        with pytest.raises(PayloadError):
            made.s("\x00")
        assert isinstance(made.s("text"), JobCall)

    @pytest.mark.parametrize(
        ("named", "kwargs", "told"),
        [
            ("txt", {}, "there is no argument 'txt'. Did you mean 'text'?"),
            ("text", {"text": "x"}, "the argument 'text' is given, and added later"),
        ],
    )
    def test_what_takes_the_result_must_be_free(
        self, site: Site, named: str, kwargs: dict[str, str], told: str
    ) -> None:
        with pytest.raises(InvalidArguments, match=told):
            site.job(print_it).using(result_as=named).s(**kwargs)

    def test_any_name_is_free_for_a_handler_that_takes_any(self, site: Site) -> None:
        call = site.job(takes_anything).using(result_as="page").s(name="n")

        assert call.job.payload == '{"args":[],"kwargs":{"name":"n"}}'

    def test_outside_a_chain_there_is_no_result_to_take(self, site: Site) -> None:
        made = site.job(print_it).using(result_as="text")

        with pytest.raises(InvalidOptions, match="enqueue it in a chain"):
            made.enqueue()
        with pytest.raises(InvalidOptions, match="enqueue it in a chain"):
            made.enqueue_many([{}])
        with pytest.raises(InvalidOptions, match="enqueue it in a chain"):
            made.using(every=60).enqueue()
        with pytest.raises(InvalidOptions, match="none is before it"):
            chain(made.s())

    def test_a_chain_is_made_of_calls(self, site: Site) -> None:
        made = site.job(answer)

        with pytest.raises(TypeError, match="one call or more"):
            chain()
        with pytest.raises(TypeError, match="one call or more"):
            chain(made)  # type: ignore[arg-type]
        with pytest.raises(InvalidOptions, match="must be 'cancel' or 'hold'"):
            chain(made.s(), on_failure="wait")  # type: ignore[arg-type]
