"""`InTransaction` by itself: what no worker would let a test see."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from django_jobqueue.core.errors import LeakedTransaction
from django_jobqueue.core.outcomes import Outcome, Release
from django_jobqueue.core.retry import RetryPolicy
from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.models import ArchivedJob
from django_jobqueue.service.threads import caught
from django_jobqueue.store import store_for
from django_jobqueue.worker.admission import Policies
from django_jobqueue.worker.answers import Answers, outcome_of_result
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.hygiene import clean_thread
from django_jobqueue.worker.transactional import InTransaction
from tests.claims import a_claim
from tests.store.helpers import claimed
from tests.store.test_sqlite_races import (
    options_of_new_connections,
    the_write_lock_held_elsewhere,
)

from .bench import LEASE
from .effects import TRANSACTIONAL, effects, write
from .site import COMMITTED, Site

pytestmark = COMMITTED

Run = Callable[..., Outcome]


@pytest.fixture
def run(site: Site) -> Run:
    """Run a handler as one would be that calls `work`."""
    handler = site.job(write, name="work", **TRANSACTIONAL).handler
    answers = Answers(Policies(RetryPolicy()))
    store = store_for(DEFAULT_DB_ALIAS)
    runner = InTransaction(store, answers=answers, lease=LEASE, events=site.bus)

    def run(work: Callable[[], object], *, job: ClaimedJob | None = None) -> Outcome:
        held = HeldJob(job or a_claim(timeout_seconds=20.0), handler)
        return runner.run(held, lambda: outcome_of_result(work()))

    return run


@pytest.fixture
def another_database(tmp_path: Path) -> Iterator[str]:
    # A file: Django never closes a connection to a database in memory.
    file = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "another.sqlite3"}
    configured = connections.configure_settings({"default": {}, "another": file})
    connections.settings["another"] = configured["another"]
    yield "another"
    connections["another"].close()
    del connections["another"], connections.settings["another"]


def test_a_block_that_was_left_open_is_no_success(run: Run) -> None:
    job = claimed(store_for(DEFAULT_DB_ALIAS), timeout_seconds=20.0)

    with pytest.raises(LeakedTransaction, match="default"):
        run(transaction.atomic().__enter__, job=job)

    assert clean_thread() == ["default"]
    assert not ArchivedJob.objects.exists()


def test_a_transaction_that_is_open_on_another_database_is_no_success(
    run: Run, another_database: str
) -> None:
    errors: list[BaseException | None] = []

    def leave_it_open() -> None:
        wrapper = connections[another_database]
        # Opened by hand: Django's tests open none that they have not been told of.
        wrapper.connection = wrapper.get_new_connection(wrapper.get_connection_params())
        errors.append(caught(lambda: run(lambda: wrapper.connection.execute("BEGIN") and None)))
        assert clean_thread() == [another_database]
        connections.close_all()

    thread = threading.Thread(target=leave_it_open)
    thread.start()
    thread.join()

    assert [str(error) for error in errors] == [str(LeakedTransaction([another_database]))]


@pytest.mark.sqlite
def test_where_it_cannot_begin_the_job_is_given_back(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_jobqueue.store.sqlite_turns.PATIENCE_SECONDS", 0.0)
    done = threading.Event()

    with options_of_new_connections(timeout=0), the_write_lock_held_elsewhere(until=done):
        outcome = run(write)

    assert isinstance(outcome, Release)
    assert "could not begin" in outcome.reason
    assert effects() == []
