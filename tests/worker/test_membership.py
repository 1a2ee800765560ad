"""Whether a worker may still claim, and whether it may declare others dead."""

from datetime import timedelta

from django_jobqueue.worker.membership import Membership

from .bench import Time

LEASE = timedelta(seconds=30)


def membership() -> tuple[Membership, Time]:
    time = Time()
    return Membership(lease=LEASE, elapsed=time), time


def beat_for(member: Membership, time: Time, seconds: float, *, every: float = 5) -> None:
    for _ in range(int(seconds / every)):
        time.passes(every)
        member.renewed(time())


def test_before_its_first_heartbeat_a_worker_claims_nothing() -> None:
    member, _ = membership()

    assert not member.may_claim()


def test_it_may_claim_for_four_fifths_of_a_lease_after_each_heartbeat() -> None:
    member, time = membership()
    member.renewed(time())
    time.passes(23.9)
    assert member.may_claim()
    time.passes(0.2)
    assert not member.may_claim()

    member.renewed(time())
    assert member.may_claim()


def test_its_lease_counts_from_the_sending_of_the_heartbeat() -> None:
    member, time = membership()
    asked_at = member.moment()
    time.passes(20)
    member.renewed(asked_at)

    time.passes(4.1)

    assert member.is_in_doubt()


def test_doubt_ends_with_the_next_heartbeat_that_succeeds() -> None:
    member, time = membership()
    member.renewed(time())
    assert not member.is_in_doubt()
    time.passes(29)
    assert member.is_in_doubt()

    member.renewed(time())

    assert not member.is_in_doubt()


def test_it_may_reap_after_a_full_lease_of_heartbeats() -> None:
    member, time = membership()
    member.renewed(time())
    beat_for(member, time, 25)
    assert not member.may_reap()
    beat_for(member, time, 5)

    assert member.may_reap()


def test_after_an_outage_it_renews_for_a_full_lease_before_it_reaps_again() -> None:
    member, time = membership()
    member.renewed(time())
    beat_for(member, time, 60)
    time.passes(31)
    member.renewed(time())
    assert (member.may_claim(), member.may_reap()) == (True, False)
    beat_for(member, time, 30)

    assert member.may_reap()


def test_a_gap_shorter_than_the_lease_is_no_outage() -> None:
    member, time = membership()
    member.renewed(time())
    beat_for(member, time, 60)
    time.passes(20)
    member.renewed(time())

    assert member.may_reap()


def test_while_its_own_lease_is_in_doubt_it_reaps_nobody() -> None:
    member, time = membership()
    member.renewed(time())
    beat_for(member, time, 60)
    time.passes(25)

    assert not member.may_reap()


def test_a_worker_that_was_declared_dead_goes_on_as_another() -> None:
    member, time = membership()
    before = member.worker_id
    member.renewed(time())
    beat_for(member, time, 60)

    assert member.replaced() == member.worker_id != before
    assert (member.may_claim(), member.may_reap()) == (False, False)
