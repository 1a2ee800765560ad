"""A worker on an SQLite file whose write lock somebody else holds."""

import pytest
from django.db import transaction

from django_jobqueue import JobState
from django_jobqueue.store import store_for

from .site import COMMITTED, Gate, Site

pytestmark = [COMMITTED, pytest.mark.sqlite]


def test_a_worker_that_is_stopped_leaves_in_time(site: Site) -> None:
    """SQLite's own busy timeout, and our patience beyond it, are longer than the test waits."""
    gate = Gate()
    running = site.job(gate.pass_through, name="runs").enqueue()
    with site.working(drain=0.5) as it:
        gate.entered()
        with transaction.atomic():
            store_for("default").statement("take_write_lock", {})  # type: ignore[attr-defined]
            gate.open()
            it.worker.stop()
            it.end()

    assert "worker.left_silently" in site.told.names
    assert running.refresh().state == JobState.RUNNING  # its lease will lapse
