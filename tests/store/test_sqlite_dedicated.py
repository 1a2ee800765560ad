"""SQLite has one writer, so a store has no connection apart from Django's."""

from datetime import timedelta

import pytest

from django_jobqueue.store import store_for

pytestmark = pytest.mark.sqlite


def test_the_store_is_its_own_dedicated_one_but_for_the_quarantine() -> None:
    store = store_for("default")
    quarantine = store.dedicated(suspects=True)
    patient = store.dedicated(overtime=timedelta(hours=1))

    assert store.dedicated() is store
    assert quarantine.suspects
    assert quarantine.overtime == store.overtime
    assert (patient.suspects, patient.overtime) == (False, timedelta(hours=1))
