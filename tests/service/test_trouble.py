import pytest

from django_jobqueue.service.trouble import Trouble


class Watch:
    seconds = 1_000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def trouble(watch):
    return Trouble(elapsed=watch)


def test_the_first_failure_is_told_and_then_one_a_minute(trouble, watch):
    told = []
    for watch.seconds in range(1_000, 1_130, 10):
        if trouble.is_worth_telling():
            told.append(watch.seconds)

    assert told == [1_000, 1_060, 1_120]


def test_after_a_success_the_next_failure_is_the_first_again(trouble):
    assert trouble.is_worth_telling()
    assert not trouble.is_worth_telling()
    trouble.is_over()

    assert trouble.is_worth_telling()


def test_its_end_is_told_once(trouble):
    trouble.is_worth_telling()

    assert trouble.is_over()
    assert not trouble.is_over()


def test_where_nothing_failed_nothing_is_over(trouble):
    assert not trouble.is_over()
