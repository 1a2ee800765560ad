"""Each verdict both ways: a history that deserves it, and one that nearly does."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from .checker import BatchEnd, Record, Verdict, judge
from .history import Event
from .jobs import LIMIT

DEAD = {"dead worker"}


def invoked(number: int, end: str = "ok") -> list[Event]:
    return [
        Event(event="enqueue.invoke", number=number),
        Event(event=f"enqueue.{end}", number=number),
    ]


def start(mono: float, token: str = "a", *, job: int = 1, worker: str = "w", pid: int = 1) -> Event:
    return Event(event="start", mono=mono, job=job, token=token, worker=worker, pid=pid)


def end(mono: float, token: str = "a", *, job: int = 1) -> Event:
    return Event(event="end", mono=mono, job=job, token=token)


def gone(mono: float, pid: int = 1) -> Event:
    return Event(event="gone", mono=mono, pid=pid)


def done(number: int = 0, **facts: Any) -> Record:
    return Record(
        **{"id": 1, "number": number, "state": "succeeded", "token": "a", "answered": "a", **facts}
    )


RUN = [start(1), end(2)]


def verdict(events: Sequence[Event], *records: Record) -> Verdict:
    return judge(events, records, dead_workers=DEAD)


def test_a_job_that_was_enqueued_run_and_finished_once_is_no_failure() -> None:
    judged = verdict([*invoked(0), *RUN], done())

    assert judged.failures == {}
    assert (judged.jobs, judged.succeeded, judged.runs) == (1, 1, 1)
    assert (judged.overlapping, judged.late_finishes, judged.repeated_effects) == (0, 0, 0)


def test_an_acknowledged_job_without_a_record_is_lost() -> None:
    assert verdict(invoked(0)).failures == {"lost": 1}


def test_one_whose_answer_was_lost_may_be_there_or_not() -> None:
    there = verdict([*invoked(0, "unknown"), *RUN], done())

    assert (there.failures, there.recovered) == ({}, 1)
    assert verdict(invoked(0, "unknown")).failures == {}


@pytest.mark.parametrize("state", ["ready", "scheduled", "blocked", "running"])
def test_a_job_that_is_still_live_is_unfinished_and_not_lost(state: str) -> None:
    judged = verdict(invoked(0), done(state=state, token="", answered=""))

    assert judged.failures == {"unfinished": 1}


def test_a_job_that_was_rolled_back_must_not_be_there() -> None:
    assert verdict(invoked(0, "rolled_back")).failures == {}
    assert verdict([*invoked(0, "rolled_back"), *RUN], done()).failures == {"unexpected": 1}


def test_a_job_that_nobody_asked_for_is_unexpected() -> None:
    assert verdict([*invoked(0), *RUN], done(number=9)).failures == {"lost": 1, "unexpected": 1}


def test_one_request_must_not_become_two_jobs() -> None:
    second = [start(3, "b", job=2), end(4, "b", job=2)]
    records = done(), done(id=2, token="b", answered="b")

    assert verdict([*invoked(0), *RUN, *second], *records).failures == {"duplicated": 1}


def test_two_records_of_one_job_are_one_too_many() -> None:
    twice = verdict([*invoked(0), *RUN], done(), done(state="dead"))

    assert twice.failures == {"doubly_finished": 1, "dead": 1}


def test_the_answer_of_one_run_under_the_claim_of_another_is_a_late_write() -> None:
    runs = [start(1, "a", worker="dead worker"), start(2, "b"), end(3, "a"), end(4, "b")]
    judged = verdict([*invoked(0), *runs], done(token="b", answered="a"))

    assert judged.failures == {"late_writes": 1}


def test_a_success_needs_a_run_that_was_seen_to_return() -> None:
    assert verdict(invoked(0), done()).failures == {"unexplained": 1}
    assert verdict([*invoked(0), start(1), gone(2)], done()).failures == {"unexplained": 1}


@pytest.mark.parametrize("state", ["dead", "cancelled"])
def test_a_job_that_did_not_succeed_is_a_failure(state: str) -> None:
    assert verdict(invoked(0), done(state=state)).failures == {state: 1}


def test_an_attempt_more_than_runs_failed_was_wrongly_spent() -> None:
    failed = [start(1), end(2), start(3, "b"), end(4, "b")]
    second = done(token="b", answered="b", attempt=2)

    assert verdict([*invoked(0), *failed], second).failures == {"wrongly_spent": 1}
    failed[1] = Event(event="end", mono=2, job=1, token="a", answer="retry")
    assert verdict([*invoked(0), *failed], second).failures == {}


@pytest.mark.parametrize("effects", [0, 2])
def test_a_transactional_success_has_one_effect(effects: int) -> None:
    judged = verdict([*invoked(0), *RUN], done(effects=effects))

    assert judged.failures == {"wrong_effects": 1}
    assert verdict([*invoked(0), *RUN], done(effects=1)).failures == {}


def test_a_transactional_job_without_success_has_none() -> None:
    ready = done(state="ready", token="", answered="", effects=1)

    assert verdict(invoked(0), ready).failures == {"unfinished": 1, "wrong_effects": 1}


def test_an_attempt_that_a_transactional_handler_lost_is_its_own() -> None:
    assert verdict([*invoked(0), *RUN], done(effects=1, attempt=3)).failures == {}


@pytest.mark.parametrize(
    ("ended", "failures"),
    [
        ({"state": "dead", "reason": "poison"}, {}),
        ({"state": "dead", "reason": "exhausted"}, {"wrong_ends": 1}),
        ({"state": "succeeded"}, {"wrong_ends": 1}),
        ({"state": "ready"}, {"unfinished": 1}),
    ],
)
def test_a_job_that_is_doomed_must_die_for_its_own_reason(
    ended: dict[str, Any], failures: dict[str, int]
) -> None:
    judged = verdict([*invoked(0), *RUN], done(doomed="poison", **ended))

    assert judged.failures == failures
    assert judged.doomed == (not failures)
    assert judged.dead == 0


def test_a_doomed_job_that_was_given_up_may_run_on() -> None:
    runs = [start(1), start(2, "b"), end(3), end(4, "b")]

    assert verdict([*invoked(0), *runs], done(doomed="x", reason="x", state="dead")).failures == {}


def test_runs_that_follow_each_other_do_not_overlap() -> None:
    one_after_the_other = [start(1), end(2), start(3, "b"), end(4, "b")]
    judged = verdict([*invoked(0), *one_after_the_other], done(token="b", answered="b"))

    assert (judged.overlapping, judged.late_finishes) == (0, 0)


def test_a_run_ends_at_the_latest_with_its_process() -> None:
    killed = [start(1, pid=7), gone(2, pid=7), start(3, "b"), end(4, "b")]
    assert verdict([*invoked(0), *killed], done(token="b", answered="b")).overlapping == 0

    another = [start(1, pid=7), gone(2, pid=8), start(3, "b"), end(4, "b")]
    assert verdict([*invoked(0), *another], done(token="b", answered="b")).overlapping == 1


def test_an_overlap_is_forgiven_where_the_first_worker_had_been_declared_dead() -> None:
    def overlap(worker: str) -> Verdict:
        runs = [start(1, worker=worker), start(2, "b"), end(3), end(4, "b")]
        return verdict([*invoked(0), *runs], done(token="b", answered="b"))

    assert overlap("dead worker").failures == {}
    assert overlap("dead worker").overlapping == 1
    assert overlap("living worker").failures == {"unfenced_overlaps": 1}


def test_a_finish_is_late_where_a_successor_is_running() -> None:
    def ended(first: float, second: float) -> int:
        runs = sorted([end(first), end(second, "b")], key=lambda event: event.mono)
        events = [*invoked(0), start(1, worker="dead worker"), start(2, "b"), *runs]
        return verdict(events, done(token="b", answered="b")).late_finishes

    assert ended(3, 4) == 1
    assert ended(5, 4) == 0, "the successor was done by then: nothing was at stake"


def test_one_more_than_may_run_at_a_time_is_over_the_limit() -> None:
    def over_limit(fourth: float, worker: str = "w") -> int:
        runs = [start(1 + job / 10, job=job) for job in range(LIMIT)]
        last = start(fourth, job=9, worker=worker)
        events = sorted([*runs, end(2, job=1), last], key=lambda event: event.mono)
        records = [done(id=job, number=job, is_limited=True) for job in (*range(LIMIT), 9)]
        return verdict(events, *records).over_limit

    assert over_limit(1.9) == 1
    assert over_limit(2.1) == 0, "one of them had ended"
    assert over_limit(1.9, worker="dead worker") == 0, "it holds no lease"


def test_each_slot_between_the_first_and_the_last_has_one_job() -> None:
    def judged(*seconds: int) -> dict[str, int]:
        slots = [datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC) for second in seconds]
        return judge([], [], dead_workers=DEAD, slots=slots).failures

    assert judged(3, 1, 2) == {}
    assert judged(1, 2, 2, 3) == {"repeated_slots": 1}
    assert judged(1, 4) == {"missing_slots": 2}


def test_a_batch_has_one_end_after_its_last_member() -> None:
    def judged(*began: int | None) -> dict[str, int]:
        def at(second: int) -> datetime:
            return datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)

        times = [None if one is None else at(one) for one in began]
        batch = BatchEnd(began=times, last_member=at(5))
        return judge([], [], dead_workers=DEAD, batch_ends=[batch]).failures

    assert judged(6) == {}
    assert judged(4) == judged() == judged(6, 7) == judged(None) == {"wrong_batch_ends": 1}


def test_an_effect_that_was_seen_twice_is_told() -> None:
    effects = [Event(event="effect", job=1), Event(event="effect", job=1)]

    assert verdict([*invoked(0), *RUN, *effects], done()).repeated_effects == 1
    assert verdict([*invoked(0), *RUN, *effects[:1]], done()).repeated_effects == 0
