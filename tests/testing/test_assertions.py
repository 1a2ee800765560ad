from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from django_jobqueue import Queue, QueueHandler, chain, job
from django_jobqueue.core.specs import NewJob
from django_jobqueue.store import store_for
from django_jobqueue.testing import (
    QueueClock,
    assert_enqueued,
    enqueued_jobs,
    refute_enqueued,
    run_jobs,
)

from .jobs import act, add, at

pytestmark = pytest.mark.django_db

NOON = datetime(2031, 3, 1, 12, tzinfo=UTC)


@job(name="testing.build")
@dataclass
class Build:
    month: int
    detailed: bool = False

    def run(self) -> None: ...


@job(name="testing.collect")
def collect(first: int, *rest: int, **named: int) -> None: ...


class Post(QueueHandler):
    queue = "testing.post"

    def process(self, context, payload: dict[str, str]) -> None: ...


class TestFinding:
    def test_a_job_is_found_by_its_handler_however_that_is_named(self) -> None:
        act.enqueue("one")

        assert assert_enqueued(act) == assert_enqueued("testing.act") == assert_enqueued()
        refute_enqueued(add)
        refute_enqueued("nobody.knows")

    def test_arguments_are_those_that_the_handler_gets(self) -> None:
        add.enqueue(1, second=2)
        add.enqueue(first=3)
        at.enqueue(NOON)

        assert_enqueued(add, args=(1, 2), count=1)
        assert_enqueued(add, kwargs={"first": 1}, count=1)
        assert_enqueued(add, kwargs={"first": 3, "second": 1}, count=1)
        assert_enqueued(at, args=(NOON.astimezone(),), count=1)
        refute_enqueued(add, args=(1, 3))
        refute_enqueued(add, args=(1, 2, 3))

    def test_surplus_arguments_are_compared_by_position_and_name(self) -> None:
        collect.enqueue(1, 2, 3, four=4)

        assert_enqueued(collect, args=(1, 2), kwargs={"four": 4})
        refute_enqueued(collect, args=(1, 2, 3, 4))
        refute_enqueued(collect, kwargs={"five": 5})

    def test_a_dataclass_is_asked_for_its_fields(self) -> None:
        Build(month=11).enqueue()

        assert_enqueued(Build, kwargs={"month": 11, "detailed": False})

    def test_what_a_whole_queue_takes_is_asked_for_by_its_payload(self) -> None:
        Queue("testing.post").enqueue({"to": "ada"})

        assert_enqueued(queue="testing.post", args=[{"to": "ada"}])
        assert_enqueued(Post, args=[{"to": "ada"}])

    def test_a_job_that_is_not_registered_here_is_compared_as_it_is_stored(self) -> None:
        store_for("default").insert(
            NewJob(handler="other.site", payload='{"args":[],"kwargs":{"at":"2031-03-01"}}')
        )

        assert_enqueued("other.site", kwargs={"at": "2031-03-01"})

    def test_a_job_that_waits_for_a_result_is_found_by_what_it_has(self) -> None:
        chain(add.s(1), add.using(result_as="second").s(40)).enqueue()

        assert_enqueued(add, kwargs={"first": 40}, count=1)

    def test_options_tell_jobs_apart(self) -> None:
        act.using(queue="mail", priority=5, tags=["a", "b"], meta={"by": 1, "of": 2}).enqueue("x")

        assert_enqueued(act, queue="mail", priority=5, tags=["b"], meta={"of": 2})
        for wanted in ({"queue": "post"}, {"priority": 4}, {"tags": ["c"]}, {"meta": {"of": 1}}):
            refute_enqueued(act, **wanted)

    def test_a_unique_key_is_that_of_the_job(self) -> None:
        act.using(unique_key="mine").enqueue("x")

        assert_enqueued(unique_key="mine")
        refute_enqueued(unique_key="yours")

    def test_a_time_may_be_missed_by_a_second_or_what_is_said(self) -> None:
        with QueueClock(NOON):
            act.using(delay=60).enqueue("x")

        assert_enqueued(act, delay=60)
        assert_enqueued(act, delay=timedelta(seconds=61))
        refute_enqueued(act, delay=62)
        assert_enqueued(act, delay=62, within=2)
        assert_enqueued(act, run_at=NOON + timedelta(seconds=60))
        refute_enqueued(act, run_at=NOON)

    def test_what_has_run_does_not_wait_any_more(self) -> None:
        act.enqueue("x")
        run_jobs()

        refute_enqueued(act)

    def test_jobs_come_in_the_order_of_their_enqueue(self) -> None:
        handles = act.enqueue_many([[name] for name in "abc"])

        assert [job.id for job in enqueued_jobs(act)] == [handle.id for handle in handles]


class TestMessages:
    def test_a_failure_lists_what_waits(self) -> None:
        with QueueClock(NOON):
            act.using(queue="mail").enqueue("one")
            act.using(delay=60, priority=3).enqueue(name="two")

        with pytest.raises(AssertionError) as failed:
            assert_enqueued(act, args=("three",), queue="mail")

        assert str(failed.value).splitlines() == [
            "a job testing.act('three', …) with queue='mail' should wait, "
            "but of 2 that wait, none of them is one:",
            "    testing.act(name='one'), ready, queue='mail'",
            "    testing.act(name='two'), scheduled, queue='default', priority=3, delay=60, "
            "at 2031-03-01 12:01:00 UTC",
        ]

    def test_a_wrong_number_marks_those_that_were_found(self) -> None:
        act.enqueue("one")
        add.enqueue(1)

        with pytest.raises(AssertionError) as failed:
            assert_enqueued(act, count=2)

        assert str(failed.value).splitlines() == [
            "2 jobs testing.act should wait, but of 2 that wait, 1 of them:",
            "  * testing.act(name='one'), ready, queue='default'",
            "    testing.add(first=1), ready, queue='default'",
        ]

    def test_a_refuted_job_is_shown(self) -> None:
        act.enqueue("one")

        with pytest.raises(AssertionError, match=r"no job testing\.act should wait.*\n  \* "):
            refute_enqueued(act)

    def test_nothing_at_all_is_told_as_that(self) -> None:
        with pytest.raises(AssertionError, match="none waits at all"):
            assert_enqueued()

    def test_a_long_list_is_cut(self) -> None:
        act.enqueue_many([["x"]] * 25)

        with pytest.raises(AssertionError, match="and 5 more"):
            assert_enqueued(act, count=1)

    def test_a_misspelt_argument_is_no_silent_miss(self) -> None:
        with pytest.raises(TypeError, match="takes no argument 'nmae', but name"):
            refute_enqueued(act, kwargs={"nmae": "x"})
        with pytest.raises(TypeError, match=r"kwargs=\{…\}"):
            refute_enqueued(act, name="x")
