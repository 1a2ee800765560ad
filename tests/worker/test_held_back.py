"""When a pump rests that was told of a job: at once, unless a wake-up may have been held back."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from django_jobqueue.jobs.wakeups import BURST, WakeUps
from django_jobqueue.worker.looking import Looking

from .bench import Time

DEBOUNCE = 0.1


@pytest.fixture
def time() -> Time:
    return Time()


class StoreOfSender:
    """Counts the wake-ups that it is to send."""

    using = "default"

    def __init__(self) -> None:
        self.sent = 0

    def notify(self, queues: Sequence[str]) -> None:
        self.sent += 1


class TestAfterAWakeUp:
    """Who was told of a job knows whether any was held back."""

    @pytest.fixture
    def looking(self, time: Time) -> Looking:
        looking = Looking(
            poll_seconds=1.0, longest_seconds=5.0, debounce_seconds=DEBOUNCE, elapsed=time
        )
        look(looking, finds=1, told=True)
        time.passes(60.0)
        return looking

    def test_it_looks_once_more_and_settles(self, looking: Looking, time: Time) -> None:
        look(looking, finds=1, told=True)

        assert len(looks_in_vain(looking, time)) == 1
        assert 0.9 <= looking.due_in <= 1.1
        for _ in range(2):  # the first may come a little before a poll is over
            time.passes(looking.due_in)
            look(looking)
        assert 4.5 <= looking.due_in <= 5.5

    def test_the_one_that_finds_a_job_by_itself_stays_attentive(
        self, looking: Looking, time: Time
    ) -> None:
        look(looking, finds=1)

        assert looks_in_vain(looking, time)[-1] > Looking.ATTENTIVE_SECONDS

    def test_where_many_are_heard_it_stays_attentive(self, looking: Looking, time: Time) -> None:
        for _ in range(BURST):
            look(looking, finds=1, told=True)
            time.passes(DEBOUNCE)
        look(looking, finds=1, told=True)

        assert looks_in_vain(looking, time)[-1] > Looking.ATTENTIVE_SECONDS

    def test_the_first_that_is_heard_may_be_one_of_many(self, time: Time) -> None:
        looking = Looking(poll_seconds=1.0, debounce_seconds=DEBOUNCE, elapsed=time)
        look(looking, finds=1, told=True)

        assert looks_in_vain(looking, time)[-1] > Looking.ATTENTIVE_SECONDS

    def test_what_may_start_sooner_is_looked_for_then(self, looking: Looking, time: Time) -> None:
        look(looking, finds=1, told=True)
        time.passes(0.1)
        looking.begin()
        looking.found(0, of=10)
        looking.ask_in(0.015)

        looking.saw(everything=True)

        assert looking.due_in <= 0.015

    def test_what_was_passed_over_is_looked_for_soon(self, looking: Looking, time: Time) -> None:
        look(looking, finds=1, told=True)
        time.passes(0.1)
        looking.begin()
        looking.found(0, of=10)

        looking.saw(everything=False)

        assert looking.due_in <= looking.ATTENTIVE_PAUSE * 1.1

    @pytest.mark.parametrize("seconds", [0.1, 5.0])
    def test_another_that_is_told_in_vain_settles(
        self, looking: Looking, time: Time, seconds: float
    ) -> None:
        look(looking, finds=1, told=True)
        looks_in_vain(looking, time)
        time.passes(seconds)

        look(looking, told=True)

        assert 0.9 <= looking.due_in <= 1.1

    def test_one_that_is_told_of_what_it_passes_over_looks_again_soon(
        self, looking: Looking, time: Time
    ) -> None:
        look(looking, finds=1, told=True)
        looks_in_vain(looking, time)
        time.passes(0.1)

        looking.ask(told=True)
        looking.begin()
        looking.found(0, of=10)
        looking.saw(everything=False)

        assert looking.due_in <= looking.ATTENTIVE_PAUSE * 1.1

    def test_what_comes_during_a_look_is_looked_for_at_once(
        self, looking: Looking, time: Time
    ) -> None:
        look(looking, finds=1, told=True)
        looking.begin()
        looking.ask(told=True)
        looking.found(0, of=10)
        looking.saw(everything=True)

        assert looking.due_in == 0

    def test_who_was_woken_in_vain_looks_again_within_the_poll_interval(
        self, looking: Looking, time: Time
    ) -> None:
        look(looking, finds=1, told=True)
        looks_in_vain(looking, time)
        time.passes(1.0)

        look(looking, told=True)

        assert looking.due_in <= 1.1

    @pytest.mark.parametrize("seed", range(20))
    def test_no_job_waits_for_long_whose_wake_up_was_held_back(self, seed: int, time: Time) -> None:
        chance = random.Random(seed)
        processes, store = [WakeUps(clock=time) for _ in range(2)], StoreOfSender()
        sender: Any = store
        looking = Looking(
            poll_seconds=1.0, longest_seconds=5.0, debounce_seconds=DEBOUNCE, elapsed=time
        )
        longest, at_once = chance.choice([(0.2, 2), (0.1, 2), (0.02, 2), (2.0, 30)])
        waits = []
        for _ in range(600):
            next_at = time() + chance.uniform(0.0, longest) * (chance.randrange(at_once) == 0)
            while time() + looking.due_in < next_at:
                time.passes(looking.due_in)
                look(looking)
            time.passes(max(0.0, next_at - time()))
            enqueued_at = time()
            sent_before = store.sent
            chance.choice(processes).send(["mail"], store=sender, debounce=DEBOUNCE)
            told = store.sent > sent_before
            if not told:
                time.passes(looking.due_in)
            look(looking, finds=1, told=told)
            waits.append(time() - enqueued_at)

        assert store.sent < len(waits)
        assert max(waits) <= looking.ATTENTIVE_PAUSE * 1.1

    @pytest.mark.parametrize(
        ("in_vain", "apart"), [(10, 0.001), (12, 0.005), (12, 0.02), (30, 0.003)]
    )
    @pytest.mark.parametrize("later", [0.002, 0.02, 0.1])
    def test_neither_does_one_that_follows_many_wake_ups_in_vain(
        self, in_vain: int, apart: float, later: float, looking: Looking, time: Time
    ) -> None:
        wakeups, store = WakeUps(clock=time), StoreOfSender()
        sender: Any = store
        while store.sent < in_vain:
            sent_before = store.sent
            wakeups.send(["mail"], store=sender, debounce=DEBOUNCE)
            look_for(looking, time, seconds=apart, told=store.sent > sent_before)
        look_for(looking, time, seconds=later)

        assert looking.due_in <= looking.ATTENTIVE_PAUSE * 1.1


def look_for(looking: Looking, time: Time, *, seconds: float, told: bool = False) -> None:
    """Find nothing for so long."""
    until = time() + seconds
    if told:
        look(looking, told=True)
    while time() + looking.due_in <= until:
        time.passes(looking.due_in)
        look(looking)
    time.passes(until - time())


def look(looking: Looking, *, finds: int = 0, told: bool = False) -> None:
    if told:
        looking.ask(told=True)
    looking.begin()
    looking.found(finds, of=10)
    if not finds:
        looking.saw(everything=True)


def looks_in_vain(looking: Looking, time: Time) -> list[float]:
    """When it looks until it settles, counted from now."""
    began_at, looks = time(), list[float]()
    while looking.due_in < 0.9:
        time.passes(looking.due_in)
        look(looking)
        looks.append(time() - began_at)
    return looks
