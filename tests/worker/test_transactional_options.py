"""Where `transactional=True` is refused: async handlers; on SQLite, timeouts beyond the lease."""

import pytest

from django_jobqueue import InvalidOptions, JobState
from django_jobqueue.models import Job

from .effects import TRANSACTIONAL, effects, write
from .site import COMMITTED, Site, the_attempt_of

pytestmark = COMMITTED


class TestDeclaring:
    def test_an_async_handler_is_refused(self, site: Site) -> None:
        async def work() -> None: ...

        with pytest.raises(InvalidOptions, match=r"'transactional' does not fit work, .* async"):
            site.job(work, transactional=True)

    def test_it_is_no_option_of_a_single_call(self, site: Site) -> None:
        with pytest.raises(InvalidOptions, match="does not exist"):
            site.job(write, name="work").using(transactional=True)


@pytest.mark.sqlite
class TestWhereThereIsOneWriter:
    @pytest.mark.parametrize("timeout", [None, 30, 3600])
    def test_a_job_that_could_outlast_the_lease_is_refused(
        self, site: Site, timeout: float | None
    ) -> None:
        declared = site.job(write, name="work", transactional=True).using(timeout=timeout)

        for enqueue in (declared.enqueue, lambda: declared.enqueue_many([{"name": "x"}])):
            with pytest.raises(InvalidOptions, match="below the lease of its worker, 30 s"):
                enqueue()
        assert Job.objects.count() == 0

    def test_one_that_is_there_all_the_same_is_unprocessable_and_not_run(self, site: Site) -> None:
        handle = site.job(write, name="work", **TRANSACTIONAL).enqueue()
        Job.objects.update(timeout_seconds=None)
        site.work()

        assert (handle.refresh().state, effects()) == (JobState.DEAD, [])
        assert "below the lease" in the_attempt_of(handle).message
