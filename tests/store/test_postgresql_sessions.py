"""The store on a psycopg connection of its own, as the pump has it."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connections

from django_jobqueue.core.specs import Beat, FinishedJob, Transition, WantedJobs
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from django_jobqueue.store.sessions import PsycopgSession

from .helpers import LEASE, claimed, finish, make_job, register_worker

PATIENCE = 20.0
pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[True, False], ids=["prepared", "not prepared"])
def dedicated(request: pytest.FixtureRequest) -> Iterator[JobStore]:
    store = store_for("default").dedicated(prepared=request.param)
    yield store
    store.close()


def test_a_session_prepares_its_statements_unless_it_is_told_not_to() -> None:
    session = PsycopgSession("default")
    try:
        session.rows("SELECT 1", {})
        [(count,)] = session.rows("SELECT count(*) FROM pg_prepared_statements", {})
    finally:
        session.close()

    assert count >= 1


class TestConnectingWithin:
    """A thread of its own has a connection of its own, which it may have to open."""

    def in_a_thread(self, work: Callable[[], object]) -> object:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(work).result(timeout=PATIENCE)

    def test_a_server_that_does_not_answer_is_not_waited_for(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:

            def connect() -> None:
                wrapper = connections["default"]
                nowhere = {"HOST": "127.0.0.1", "PORT": silent.getsockname()[1]}
                wrapper.settings_dict = {**wrapper.settings_dict, **nowhere}
                with store_for("default").connecting_within(1):
                    wrapper.ensure_connection()

            with pytest.raises(OperationalError, match="timeout"):
                self.in_a_thread(connect)

    def test_what_the_site_says_holds(self) -> None:
        def connect_timeout() -> object:
            wrapper = connections["default"]
            said = {**wrapper.settings_dict["OPTIONS"], "connect_timeout": 20}
            wrapper.settings_dict = {**wrapper.settings_dict, "OPTIONS": said}
            with store_for("default").connecting_within(1):
                return wrapper.get_connection_params()["connect_timeout"]

        assert self.in_a_thread(connect_timeout) == 20

    def test_it_ends_with_the_block(self) -> None:
        def options() -> object:
            with store_for("default").connecting_within(1):
                assert connections["default"].settings_dict["OPTIONS"]["connect_timeout"] == 1
            return connections["default"].settings_dict["OPTIONS"]

        assert "connect_timeout" not in self.in_a_thread(options)  # type: ignore[operator]

    def test_other_threads_are_not_concerned(self) -> None:
        with store_for("default").connecting_within(1):
            there = self.in_a_thread(lambda: connections["default"].settings_dict["OPTIONS"])

        assert "connect_timeout" not in there  # type: ignore[operator]


def test_what_a_claim_wrote_is_known_by_its_token(dedicated: JobStore) -> None:
    store, worker = store_for("default"), register_worker()
    archived, dead, running = (claimed(store, worker) for _ in range(3))
    finish(dedicated, archived, JobState.SUCCEEDED)
    finish(dedicated, dead, JobState.DEAD, reason=DeathReason.DISCARDED)
    asked = [(job.id, job.claim_token) for job in (archived, dead, running)]

    # More than once: the plan of a prepared statement comes with its repetition.
    for _ in range(7):
        assert dedicated.written_under(asked) == {archived.id, dead.id}
    assert dedicated.written_under([(archived.id, uuid4()), (99_999, uuid4())]) == set()
    assert dedicated.written_under([]) == set()


@pytest.mark.parametrize("is_dedicated", [True, False])
def test_a_heartbeat_counts_what_is_in_hand_once_it_is_connected(is_dedicated: bool) -> None:
    site = store_for("default")
    worker, seen = register_worker(), list[object]()
    store = site.dedicated() if is_dedicated else site
    connections["default"].close()

    def in_hand() -> tuple[()]:
        wrapper = store.session._connection if is_dedicated else connections["default"].connection
        seen.append(wrapper)
        return ()

    assert store.heartbeat(worker, lease=LEASE, in_hand=in_hand).alive
    if is_dedicated:
        store.close()
    [connection] = seen
    assert connection is not None


def test_a_heartbeat_amid_work_is_not_taken_for_a_request_to_stop() -> None:
    store, worker = store_for("default"), register_worker()
    job = claimed(store, worker)

    beat = store.heartbeat(worker, lease=LEASE, in_hand=lambda: [(job.id, job.claim_token)])

    assert beat == Beat(alive=True, up_to=beat.up_to)


def test_a_dedicated_store_is_on_a_connection_of_its_own(dedicated: JobStore) -> None:
    [[own]] = dedicated.session.rows("SELECT pg_backend_pid()", {})
    [[djangos]] = store_for("default").session.rows("SELECT pg_backend_pid()", {})

    assert own != djangos


@pytest.mark.parametrize("prepared", [True, False])
def test_statements_are_prepared_unless_a_pooler_forbids_it(prepared: bool) -> None:
    dedicated = store_for("default").dedicated(prepared=prepared)
    try:
        dedicated.queues_with_ready_jobs()
        [[count]] = dedicated.session.rows("SELECT count(*) FROM pg_prepared_statements", {})
    finally:
        dedicated.close()

    assert bool(count) is prepared


def test_a_dedicated_store_of_the_quarantine_sees_suspects_alone() -> None:
    make_job(queue="sound")
    make_job(queue="suspect", rescues=1)
    quarantine = store_for("default").dedicated(suspects=True)
    try:
        assert quarantine.queues_with_ready_jobs() == ["suspect"]
    finally:
        quarantine.close()


@pytest.mark.parametrize(
    ("wanted", "total"), [([], 5), ([WantedJobs("q", 5)], 0), ([WantedJobs("q", 5)], -1)]
)
def test_a_claim_of_nothing_adds_nothing_to_a_finish(
    wanted: list[WantedJobs], total: int, django_assert_num_queries
) -> None:
    store, worker = store_for("default"), register_worker()
    job = claimed(store, worker, queue="q")
    asked = {"worker_id": worker, "token": uuid4(), "wanted": wanted, "total": total}
    done = [FinishedJob(job, Transition(state=JobState.SUCCEEDED))]

    with django_assert_num_queries(0):
        assert store.finish_and_claim([], **asked) == (set(), [])
        assert store.claim(**asked) == []
    make_job(queue="q")
    assert store.finish_and_claim(done, **asked) == ({job.id}, [])


def test_one_wanted_job_is_claimed_in_the_round_trip_of_a_finish() -> None:
    store, worker = store_for("default"), register_worker()
    job = make_job(queue="q")
    wanted = [WantedJobs("q", 1)]

    _, taken = store.finish_and_claim([], worker_id=worker, token=uuid4(), wanted=wanted, total=1)

    assert [one.id for one in taken] == [job.pk]


def test_a_database_that_refuses_connections_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    def reach() -> None:
        wrapper = connections["default"]
        wrapper.settings_dict = {**wrapper.settings_dict, "HOST": "127.0.0.1", "PORT": port}
        store_for("default").reach()

    with ThreadPoolExecutor(1) as pool, pytest.raises(OperationalError):
        pool.submit(reach).result(timeout=PATIENCE)


def test_a_dedicated_store_grants_the_overtime_it_was_made_with() -> None:
    patient = store_for("default").dedicated(overtime=timedelta(hours=1))

    assert patient.overtime == timedelta(hours=1)


def test_reaching_the_database_leaves_no_connection_behind() -> None:
    store = store_for("default")
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'django_jobqueue'"
    before = store.session.rows(count, {})

    store.reach()

    # A backend that was told to end may still be seen for a moment.
    assert any(store.session.rows(count, {}) == before for _ in range(1000))
