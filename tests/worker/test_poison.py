"""Jobs that were taken back again and again, from workers that died or otherwise."""

from datetime import UTC, datetime, timedelta

from django_jobqueue import DeathReason, JobHandle, Snooze
from django_jobqueue.models import Job

from .site import COMMITTED, Site

pytestmark = COMMITTED

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ELEVEN_MINUTES = timedelta(minutes=11)


def stored(handler: str, **fields: object) -> JobHandle:
    """A job as another process, or a hand, has left it in the table."""
    return JobHandle(Job.objects.create(handler=handler, **fields).pk)


class TestPoison:
    def test_a_job_that_came_back_too_often_is_not_run_again(self, site: Site) -> None:
        runs = site.counted("work")
        handle = stored("work", reprocess_count=100)

        site.work()

        assert (runs, handle.snapshot.reason) == ([], DeathReason.POISON)
        assert "100 times" in str(handle.error)

    def test_one_fewer_is_run(self, site: Site) -> None:
        runs = site.counted("work")
        stored("work", reprocess_count=99)

        site.work()

        assert runs == ["work"]

    def test_a_handler_sets_its_own_bound(self, site: Site) -> None:
        runs = []

        @site.job(max_reprocess_count=2)
        def poll() -> Snooze:
            runs.append(1)
            return Snooze(delay=3600)

        handle = stored("poll")
        for _ in range(3):
            site.work()
            Job.objects.update(state="ready")

        assert (len(runs), handle.snapshot.reason) == (2, DeathReason.POISON)

    def test_a_handler_that_polls_by_snoozing_may_have_no_bound(self, site: Site) -> None:
        runs = site.counted("poll", max_reprocess_count=None)
        stored("poll", reprocess_count=5000)

        site.work()

        assert runs == ["poll"]

    def test_a_job_whose_workers_died_too_often_is_not_run_again(self, site: Site) -> None:
        runs = site.counted("crash")
        handle = stored("crash", rescues=3)

        site.work_in_quarantine()

        assert (runs, handle.snapshot.reason) == ([], DeathReason.POISON)
        assert "its worker died 3x" in str(handle.error)

    def test_a_job_that_was_rescued_less_often_is_run(self, site: Site) -> None:
        runs = site.counted("crash")
        stored("crash", rescues=2)

        site.work_in_quarantine()

        assert runs == ["crash"]

    def test_a_handler_may_refuse_every_second_run_after_a_crash(self, site: Site) -> None:
        runs = site.counted("charge", max_rescues=0)
        handle = stored("charge", rescues=1)

        site.work_in_quarantine()

        assert (runs, handle.snapshot.reason) == ([], DeathReason.POISON)

    def test_without_a_crash_it_is_run_as_any_other(self, site: Site) -> None:
        runs = site.counted("charge", max_rescues=0)
        stored("charge")

        site.work()

        assert runs == ["charge"]
