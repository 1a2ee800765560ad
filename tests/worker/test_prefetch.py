"""How far ahead a worker claims: as fast as its jobs end."""

from django_jobqueue.worker.prefetch import Prefetch

from .bench import Time


def prefetch_after(
    *, jobs: int, seconds: float, rounds: int = 50, exchange_seconds: float = 0.0
) -> int:
    time = Time()
    prefetch = Prefetch(elapsed=time)
    prefetch.busy()
    for _ in range(rounds):
        time.passes(seconds)
        prefetch.finished(jobs)
        prefetch.exchanged(exchange_seconds)
    return prefetch.jobs()


def test_nothing_is_held_in_advance_before_a_job_has_ended() -> None:
    assert Prefetch(elapsed=Time()).jobs() == 0


def test_what_ended_first_tells_how_fast_jobs_are_before_it_is_written() -> None:
    time = Time()
    prefetch = Prefetch(elapsed=time)
    prefetch.busy()
    time.passes(0.01)

    assert 499 <= prefetch.jobs(ended=50) <= 500


def test_the_quickest_of_the_first_does_not_speak_for_all() -> None:
    time = Time()
    prefetch = Prefetch(elapsed=time)
    prefetch.busy()
    time.passes(0.00001)

    assert prefetch.jobs(ended=1) <= 20


def test_while_runners_have_nothing_to_do_jobs_are_not_slow() -> None:
    time = Time()
    prefetch = Prefetch(elapsed=time)
    for _ in range(50):
        prefetch.busy()
        time.passes(0.01)
        prefetch.idle(time())
        time.passes(0.2)  # an exchange
        prefetch.finished(50)

    assert 499 <= prefetch.jobs() <= 500


def test_nothing_ran_since_the_last_of_them_ended_however_late_that_is_seen() -> None:
    time = Time()
    prefetch = Prefetch(elapsed=time)
    prefetch.busy()
    time.passes(0.01)
    ended_at = time()
    time.passes(0.2)
    prefetch.idle(ended_at)

    assert 499 <= prefetch.jobs(ended=50) <= 500


def test_long_jobs_are_not_held_in_advance() -> None:
    assert prefetch_after(jobs=10, seconds=2.0) == 0


def test_of_short_jobs_a_tenth_of_a_second_is_held() -> None:
    assert 99 <= prefetch_after(jobs=100, seconds=0.1) <= 100


def test_there_is_a_most() -> None:
    assert prefetch_after(jobs=500, seconds=0.001, rounds=500) == 1000


def test_what_is_held_bridges_exchanges_that_take_long() -> None:
    assert 299 <= prefetch_after(jobs=100, seconds=0.1, exchange_seconds=0.1) <= 300


def test_an_exchange_that_hangs_lets_no_more_be_held_than_ends_in_half_a_second() -> None:
    time = Time()
    prefetch = Prefetch(elapsed=time)
    prefetch.exchanged(60)

    assert prefetch.horizon == 0.5


def test_when_jobs_become_long_it_shrinks_to_nothing() -> None:
    time = Time()
    prefetch = Prefetch(elapsed=time)
    prefetch.busy()
    for _ in range(50):
        time.passes(0.01)
        prefetch.finished(100)
    assert prefetch.jobs() > 900
    for _ in range(30):
        time.passes(1)
        prefetch.finished(1)

    assert prefetch.jobs() == 0


def test_idle_time_does_not_count_as_slowness() -> None:
    time = Time()
    prefetch = Prefetch(elapsed=time)
    prefetch.busy()
    for _ in range(50):
        time.passes(0.01)
        prefetch.finished(100)
    fast = prefetch.jobs()
    prefetch.idle(time())
    time.passes(3600)
    assert prefetch.jobs() >= fast * 0.99
    prefetch.busy()
    time.passes(0.01)
    prefetch.finished(100)

    assert prefetch.jobs() >= fast * 0.99


def test_while_nothing_ends_it_shrinks_by_itself() -> None:
    time = Time()
    prefetch = Prefetch(elapsed=time)
    prefetch.busy()
    for _ in range(50):
        time.passes(0.01)
        prefetch.finished(100)
    assert prefetch.jobs() > 900

    time.passes(60)

    assert prefetch.jobs() == 0


def test_many_short_spans_tell_no_more_than_one_long_one() -> None:
    time = Time()
    prefetch = Prefetch(elapsed=time)
    prefetch.busy()
    for _ in range(200):
        # Two jobs that end almost together, every fifth of a second: ten a second.
        time.passes(0.199)
        prefetch.finished(1)
        time.passes(0.001)
        prefetch.finished(1)

    assert prefetch.jobs() <= 1
