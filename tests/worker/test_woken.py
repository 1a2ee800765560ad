"""A worker that looks for nothing by itself is woken by what others enqueue."""

import pytest
from django.db import connection

from tests.elsewhere import elsewhere

from .site import COMMITTED, Site

pytestmark = COMMITTED


@pytest.mark.parametrize("options", [{}, {"delay": 0.2}], ids=["due now", "due soon"])
def test_a_worker_that_never_looks_by_itself_starts_what_is_enqueued(
    site: Site, monkeypatch: pytest.MonkeyPatch, options: dict[str, float]
) -> None:
    runs = site.counted("work")
    seldom = {"promote_interval": 3600, "schedule_interval": 3600, "reap_interval": 3600}
    with site.working(**seldom) as it:
        it.polls()
        if connection.vendor == "postgresql":
            site.told.wait_for("listener.hears")
        monkeypatch.setattr(it.worker.pump, "rest", lambda: 3600.0)
        it.worker.pump.wake()
        elsewhere(lambda: site.declared["work"].using(**options).enqueue())
        site.told.wait_for("job.succeeded")

    assert runs == ["work"]


@pytest.mark.postgresql
def test_it_hears_again_after_all_its_connections_were_cut(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = site.counted("work")
    with site.working() as it:
        it.polls()
        site.told.wait_for("listener.hears")
        monkeypatch.setattr(it.worker.pump, "rest", lambda: 3600.0)
        it.worker.pump.wake()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'django_jobqueue'"
            )
        site.told.wait_for("listener.hears", times=2)
        elsewhere(lambda: site.declared["work"].enqueue())
        site.told.wait_for("job.succeeded")

    assert runs == ["work"]
