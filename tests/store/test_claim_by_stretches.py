"""A claim with watermarks takes what a plain claim takes, save what lies before them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from django_jobqueue.core.specs import WantedJobs, Watermark
from django_jobqueue.store import store_for
from django_jobqueue.store.stretches import HIGHEST, LOWEST, Stretch, stretches_of

from .helpers import make_job, register_worker

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def claimed(*wanted: WantedJobs, total: int = 100) -> list[int]:
    store, worker_id = store_for("default"), uuid4()
    register_worker(worker_id=worker_id)
    jobs = store.claim(worker_id=worker_id, token=uuid4(), wanted=wanted, total=total)
    return [job.id for job in jobs]


def job_at(minute: int, *, priority: int = 0, queue: str = "mail") -> int:
    return int(make_job(queue=queue, priority=priority, ready_at=NOON + minute * MINUTE).pk)


@pytest.mark.parametrize(
    "priorities", [(), (0,), (5, 4, -3), (HIGHEST, 0, LOWEST), (HIGHEST,), (LOWEST,), (LOWEST + 1,)]
)
def test_the_stretches_of_a_queue_cover_every_priority_once_in_order(
    priorities: tuple[int, ...],
) -> None:
    marks = [Watermark(priority, NOON) for priority in priorities]

    stretches = list(stretches_of("mail", marks))

    covered = [n for part in stretches for n in range(part.highest, part.lowest - 1, -1)]
    assert covered == list(range(HIGHEST, LOWEST - 1, -1))
    assert [part.highest for part in stretches if part.since == NOON] == list(priorities)


@pytest.mark.postgresql
@pytest.mark.django_db
def test_queues_between_those_that_are_known_are_named_once_in_order() -> None:
    for queue in ("zz", "z", "d", "c", "b", "a", "a"):
        job_at(1, queue=queue)
    known = [WantedJobs(name, 1, (Watermark(0, NOON),)) for name in ("z", "a", "empty")]

    named = store_for("default").queues_with_ready_jobs(known)

    assert named == ["a", "b", "c", "d", "z", "zz"]


@pytest.mark.postgresql
@pytest.mark.django_db
class TestClaim:
    MARKS = (Watermark(5, NOON + MINUTE), Watermark(0, NOON + MINUTE))

    def test_it_passes_over_what_lies_before_a_watermark_and_nothing_else(self) -> None:
        before = {job_at(0), job_at(0, priority=5)}
        unmarked = job_at(0, priority=3)
        urgent, last = job_at(0, priority=9), job_at(0, priority=-9)
        first, second = job_at(1, priority=5), job_at(1)

        taken = claimed(WantedJobs("mail", 10, self.MARKS))

        assert taken == [urgent, first, unmarked, second, last]
        assert set(claimed(WantedJobs("mail", 10))) == before

    def test_of_jobs_that_became_ready_at_one_moment_it_passes_over_those_before_an_id(
        self,
    ) -> None:
        before, first, second = (job_at(1) for _ in range(3))
        later = job_at(2)

        mark = Watermark(0, NOON + MINUTE, first)

        assert claimed(WantedJobs("mail", 10, (mark,))) == [first, second, later]
        assert claimed(WantedJobs("mail", 10)) == [before]

    def test_a_queue_without_watermarks_beside_one_that_has_them_is_looked_at_whole(self) -> None:
        job_at(0)
        whole = [job_at(minute, queue="reports") for minute in (0, 1)]
        wanted = [WantedJobs("reports", 9), WantedJobs("mail", 9, self.MARKS)]

        assert claimed(*wanted) == whole

    def test_it_takes_the_first_in_line_of_each_queue_up_to_its_limit(self) -> None:
        mail = [job_at(minute, priority=priority) for priority in (5, 0) for minute in (1, 2, 3)]
        reports = [job_at(minute, queue="reports") for minute in (1, 2, 3)]
        wanted = [WantedJobs("reports", 2), WantedJobs("mail", 4, self.MARKS)]

        assert claimed(*wanted, total=5) == [*reports[:2], *mail[:3]]
        assert claimed(*wanted) == [reports[2], *mail[3:]]

    def test_the_limit_of_a_queue_is_that_of_all_its_stretches(self) -> None:
        mail = [job_at(minute, priority=priority) for priority in (5, 0) for minute in (1, 2, 3)]

        assert claimed(WantedJobs("mail", 4, self.MARKS)) == mail[:4]

    def test_it_takes_nothing_for_a_worker_that_is_not_alive(self) -> None:
        job_at(1)
        wanted = [WantedJobs("mail", 1, self.MARKS)]
        stranger: dict[str, UUID] = {"worker_id": uuid4(), "token": uuid4()}

        assert store_for("default").claim(**stranger, wanted=wanted, total=1) == []


def test_without_a_watermark_a_queue_is_one_stretch_of_every_priority_that_is_stored():
    assert list(stretches_of("q", ())) == [Stretch("q", 32_767, -32_768)]
