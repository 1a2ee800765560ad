"""What a claim may take under limits, decided without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from django_jobqueue.core.limits import (
    SWEEP,
    Candidate,
    Grants,
    HandlerLimits,
    Limit,
    LimitKind,
    LimitName,
    Limits,
    Usage,
    grant,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
QUEUE, HANDLER, KEY = (LimitName(kind, "a") for kind in LimitKind)
ONE, ANY_NUMBER = Limit(max_running=1), Limit()


def candidate(number: int, **said) -> Candidate:
    facts = {"queue": "a", "handler": "a", "key": None, "key_limit": None}
    return Candidate(id=number, **{**facts, **said})


def granted(*candidates: Candidate, usages: dict | None = None, **known) -> Grants:
    """Grant at noon; a limit that no usage is given for is free."""
    limits = Limits(**known)
    declared = {name: limit for one in candidates for name, limit in one.limits(limits)}
    found = {name: Usage(limit) for name, limit in declared.items()} | (usages or {})
    return grant(candidates, known=limits, usages=found, now=NOON)


def handlers(*names: str, **said) -> dict[str, HandlerLimits]:
    """The handler of the first name, under all of them."""
    return dict.fromkeys(names, HandlerLimits(name=names[0], **said))


@pytest.mark.parametrize("name", [QUEUE, HANDLER, LimitName(LimitKind.KEY, "a:b: c")])
def test_the_text_of_a_limits_name_can_be_read_again(name: LimitName):
    assert LimitName.parse(str(name)) == name


@pytest.mark.parametrize(
    ("limit", "says"),
    [(ONE, True), (Limit(rate="1/s"), True), (ANY_NUMBER, False), (Limit(rate_burst=5), False)],
)
def test_a_limit_says_how_many_or_how_often_or_nothing(limit: Limit, says: bool):
    assert limit.says_anything is says


@pytest.mark.parametrize(
    ("usage", "holds"),
    [
        (Usage(ONE), True),
        (Usage(ANY_NUMBER), False),
        (Usage(ANY_NUMBER, is_set=True), True),
    ],
)
def test_what_a_row_says_holds_where_it_is_declared_or_an_operator_has_set_it(
    usage: Usage, holds: bool
):
    assert usage.holds_for(ONE) is holds


class TestLimitsOfACandidate:
    def test_they_come_in_the_order_in_which_they_are_taken(self):
        known = Limits(queues={"a": ANY_NUMBER}, handlers=handlers("a", limit=ONE))

        assert candidate(1, key="a").limits(known) == [
            (QUEUE, ANY_NUMBER),
            (HANDLER, ONE),
            (KEY, ONE),
        ]

    def test_there_are_none_where_none_is_declared(self):
        known = Limits(queues={"other": ONE}, handlers=handlers("other", limit=ONE))

        assert candidate(1).limits(known) == []

    def test_a_handler_without_a_limit_has_none(self):
        assert candidate(1).limits(Limits(handlers=handlers("a", concurrency=3))) == []

    def test_that_of_a_handler_goes_by_its_own_name(self):
        known = Limits(handlers=handlers("a", "old", limit=ONE))

        assert candidate(1, handler="old").limits(known) == [(HANDLER, ONE)]
        assert (known.own_name("old"), known.own_name("stranger")) == ("a", "stranger")

    def test_that_of_a_key_is_what_its_handler_says_with_the_number_of_the_job(self):
        slow = Limit(max_running=4, rate="1/m")
        known = Limits(handlers=handlers("a", key_limit=slow))

        assert candidate(1, key="a").limits(known) == [(KEY, slow)]
        assert candidate(1, key="a", key_limit=2).limits(known) == [
            (KEY, Limit(max_running=2, rate="1/m"))
        ]


class TestUsage:
    def test_it_refuses_what_would_be_one_too_many(self):
        two = Limit(max_running=2)

        assert Usage(two, running=1).refuses(NOON) is None
        assert Usage(two, running=2).refuses(NOON) == 0.0
        assert Usage(two, running=3).refuses(NOON) == 0.0
        assert Usage(ANY_NUMBER, running=10**6).refuses(NOON) is None

    def test_a_rate_refuses_until_the_next_start_is_due(self):
        usage = Usage(Limit(rate="1/10s"), next_at=NOON + 4 * SECOND)

        assert usage.refuses(NOON) == 4.0
        assert usage.refuses(NOON + 4 * SECOND) is None
        assert usage.refuses(NOON + 9 * SECOND) is None
        assert Usage(Limit(rate="1/10s")).refuses(NOON) is None

    def test_a_time_that_is_left_from_an_earlier_rate_refuses_nothing(self):
        usage = Usage(ONE, next_at=NOON + SECOND)

        assert usage.refuses(NOON) is None
        assert usage.room(NOON) == 1

    def test_a_burst_may_start_ahead_of_its_time(self):
        usage = Usage(Limit(rate="1/10s", rate_burst=3), next_at=NOON)

        for _ in range(3):
            assert usage.refuses(NOON) is None
            usage.take(NOON)
        assert usage.refuses(NOON) == 10.0
        assert usage.due_in(NOON + 4 * SECOND) == 6.0

    def test_each_start_puts_the_next_one_off_from_where_it_was_or_from_now(self):
        usage = Usage(Limit(rate="1/10s"))
        for now, next_at in [(0, 10), (3, 20), (60, 70)]:
            usage.take(NOON + now * SECOND)
            assert usage.next_at == NOON + next_at * SECOND
        assert (usage.running, usage.is_changed) == (3, True)

    def test_without_a_rate_a_start_is_only_counted(self):
        usage = Usage(ONE)
        usage.take(NOON)

        assert usage == Usage(ONE, running=1)
        assert usage.spacing == 0.0

    @pytest.mark.parametrize(
        ("usage", "room"),
        [
            (Usage(ANY_NUMBER), SWEEP),
            (Usage(Limit(max_running=3), running=1), 2),
            (Usage(Limit(max_running=3), running=5), 0),
            (Usage(Limit(max_running=10 * SWEEP)), SWEEP),
            (Usage(Limit(rate="1/10s", rate_burst=4)), 4),
            (Usage(Limit(rate="1/10s", rate_burst=4), next_at=NOON), 4),
            (Usage(Limit(rate="1/10s", rate_burst=4), next_at=NOON + 1 * SECOND), 3),
            (Usage(Limit(rate="1/10s", rate_burst=4), next_at=NOON + 10 * SECOND), 3),
            (Usage(Limit(rate="1/10s", rate_burst=4), next_at=NOON + 11 * SECOND), 2),
            (Usage(Limit(rate="1/10s", rate_burst=4), next_at=NOON + 90 * SECOND), 0),
            (Usage(Limit(max_running=2, rate="1/10s", rate_burst=4), running=1), 1),
            (Usage(Limit(max_running=9, rate="1/10s", rate_burst=4), running=1), 4),
        ],
    )
    def test_there_is_room_for_as_many_as_may_start_now(self, usage: Usage, room: int):
        assert usage.room(NOON) == room


class TestGrant:
    def test_whoever_is_under_no_limit_is_claimed(self):
        grants = granted(candidate(1), candidate(2))

        assert grants == Grants(claimed=[1, 2])
        assert not grants.may_hide_others

    def test_a_full_queue_is_left_whole_and_told_of_once(self):
        jobs = [candidate(n, queue="other" if n in (3, 5) else "a") for n in range(1, 6)]
        grants = granted(*jobs, queues={"a": ONE, "other": Limit(max_running=2)})

        assert (grants.claimed, grants.blocked) == ([1, 3, 5], {})
        assert grants.full_queues == {"a"}
        assert grants.limited == 3
        assert grants.may_hide_others

    def test_a_queue_that_its_rate_refuses_tells_when_to_ask_again(self):
        waits: list[float] = []
        later = {QUEUE: Usage(Limit(rate="1/m"), next_at=NOON + 40 * SECOND)}
        limits = {"queues": {"a": Limit(rate="1/m")}, "refused": waits.append}

        assert granted(candidate(1), candidate(2), usages=later, **limits).claimed == []
        assert waits == [40.0]

    def test_a_queue_that_is_full_cannot_tell_when_to_ask_again(self):
        waits: list[float] = []
        full = {QUEUE: Usage(ONE, running=1)}

        granted(candidate(1), usages=full, queues={"a": ONE}, refused=waits.append)

        assert waits == []

    @pytest.mark.parametrize("name", [HANDLER, KEY])
    def test_a_job_that_its_handler_or_its_key_refuses_is_blocked_by_it(self, name: LimitName):
        full = {name: Usage(ONE, running=1)}
        grants = granted(
            candidate(1, key="a"),
            candidate(2, handler="other"),
            usages=full,
            handlers=handlers("a", limit=ONE),
        )

        assert (grants.claimed, grants.blocked, grants.full_queues) == ([2], {1: name}, set())
        assert grants.may_hide_others

    def test_a_job_gets_all_its_permits_or_none(self):
        usages = {HANDLER: Usage(Limit(max_running=9)), KEY: Usage(ONE, running=1)}
        known = {"handlers": handlers("a", limit=Limit(max_running=9))}
        granted(candidate(1, key="a"), usages=usages, **known)

        assert usages[HANDLER].running == 0

    def test_of_several_that_refuse_it_the_first_counts(self):
        full = {name: Usage(ONE, running=1) for name in (HANDLER, KEY)}
        grants = granted(candidate(1, key="a"), usages=full, handlers=handlers("a", limit=ONE))

        assert grants.blocked == {1: HANDLER}

    def test_a_limit_that_an_operator_has_lifted_takes_no_room(self):
        lifted = {KEY: Usage(ANY_NUMBER)}
        grants = granted(candidate(1, key="a"), candidate(2), usages=lifted, limited_room=0)

        assert (grants.claimed, grants.limited) == ([1, 2], 0)

    def test_no_more_limited_jobs_are_taken_than_the_process_has_room_for(self):
        jobs = [candidate(number, key=f"key {number}") for number in (1, 2, 3)]
        left: list[None] = []
        grants = granted(*jobs, candidate(4), limited_room=2, passed_over=lambda: left.append(None))

        assert (grants.claimed, grants.limited) == ([1, 2, 4], 2)
        assert left == [None]
        assert not grants.may_hide_others

    def test_a_handler_of_which_the_process_can_take_no_more_is_left(self):
        jobs = [candidate(1), candidate(2, handler="old"), candidate(3), candidate(4, handler="b")]
        left: list[None] = []
        grants = granted(
            *jobs,
            handlers=handlers("a", "old") | handlers("b"),
            rooms={"a": 2, "other": 0},
            passed_over=lambda: left.append(None),
        )

        assert grants.claimed == [1, 2, 4]
        assert left == [None]
        assert grants.full_handlers == {"a"}
        assert grants.taken == {"a": 2, "b": 1}
        assert grants.may_hide_others

    def test_the_only_room_of_a_handler_is_given(self):
        grants = granted(candidate(1), candidate(2), handlers=handlers("a"), rooms={"a": 1})

        assert grants.claimed == [1]


class TestWhatIsLeft:
    def test_it_is_less_by_what_was_granted(self):
        limits = Limits(rooms={"a": 3, "b": 1}, limited_room=5, queues={"a": ONE})
        left = limits.after(Grants(taken={"a": 2}, limited=4))

        assert (left.rooms, left.limited_room) == ({"a": 1, "b": 1}, 1)
        assert left.queues == limits.queues

    def test_what_has_no_bound_keeps_none(self):
        assert Limits().after(Grants(limited=4)).limited_room is None

    def test_handlers_without_room_are_told_by_all_their_names(self):
        known = handlers("a", "old") | handlers("b") | handlers("c")
        limits = Limits(handlers=known, rooms={"a": 0, "b": 1})

        assert limits.saturated() == ["a", "old"]
