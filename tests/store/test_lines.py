"""What every store must do for lines that processes share; runs on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from django_jobqueue.core.specs import Retention
from django_jobqueue.models import LineRecord
from django_jobqueue.store import sql, store_for
from django_jobqueue.store.base import JobStore
from django_jobqueue.store.sessions import PsycopgSession

from .helpers import HOSTILE_TEXTS, LEASE

LAPSED = timedelta(seconds=-1)
WEEK = Retention(archive=timedelta(days=7), dead=timedelta(days=90))


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


def hold(
    store: JobStore, name: str = "api", *, lease: timedelta = LEASE, holder: str = "host:1"
) -> UUID | None:
    """Hold the line under a new token; None if somebody else does."""
    token = uuid4()
    return token if store.hold_line(name, token, holder=holder, lease=lease) else None


@pytest.mark.django_db
class TestLines:
    def test_a_line_that_nobody_holds_is_held_by_the_first_who_asks(self, store):
        token = hold(store, holder="host:4711")

        row = LineRecord.objects.get()
        assert (row.name, row.token, row.holder) == ("api", token, "host:4711")
        assert abs(row.lease_expires_at - row.acquired_at - LEASE) < timedelta(seconds=1)

    def test_a_line_that_is_held_is_not_held_by_another(self, store):
        token = hold(store)

        assert hold(store) is None

        assert LineRecord.objects.get().token == token

    def test_lines_are_told_apart_by_their_names(self, store):
        tokens = {name: hold(store, name) for name in HOSTILE_TEXTS}

        assert {name: store.line_holder(name) for name in HOSTILE_TEXTS} == tokens
        assert None not in tokens.values()

    def test_the_holder_is_known_by_its_token(self, store):
        assert store.line_holder("api") is None

        token = hold(store)

        assert store.line_holder("api") == token

    def test_who_released_a_line_holds_it_no_more(self, store):
        token = hold(store)

        assert store.release_line("api", token) is True

        assert store.line_holder("api") is None
        assert store.release_line("api", token) is False
        assert hold(store) is not None

    def test_a_dead_holder_loses_its_line(self, store):
        hold(store, lease=LAPSED)
        assert store.line_holder("api") is None

        token = hold(store)

        assert store.line_holder("api") == token

    def test_a_release_that_comes_too_late_leaves_the_next_holder_alone(self, store):
        late = hold(store, lease=LAPSED)
        token = hold(store)

        assert store.release_line("api", late) is False

        assert store.line_holder("api") == token

    def test_a_renewal_prolongs_the_leases_of_its_tokens_alone(self, store):
        mine, other = hold(store, "mine", lease=LAPSED), hold(store, "other", lease=LAPSED)

        assert store.renew_lines([mine], lease=LEASE) == {mine}

        assert store.line_holder("mine") == mine
        assert store.line_holder("other") is None
        assert LineRecord.objects.filter(token=other).exists()

    def test_a_renewal_tells_which_tokens_have_lost_their_lines(self, store):
        late = hold(store, lease=LAPSED)
        token = hold(store)

        assert store.renew_lines([late], lease=timedelta(hours=1)) == set()
        assert store.renew_lines([late, token, uuid4()], lease=LEASE) == {token}

    def test_a_renewal_of_nothing_does_nothing(self, store):
        assert store.renew_lines([], lease=LEASE) == set()

    def test_a_holder_of_many_characters_is_cut(self, store):
        hold(store, holder="h\x00" * 300)

        assert LineRecord.objects.get().holder == "h\ufffd" * 127 + "h"

    def test_retention_removes_what_dead_holders_left(self, store):
        hold(store, "long gone", lease=timedelta(days=-2))
        hold(store, "just lapsed", lease=LAPSED)
        token = hold(store)

        store.prune(WEEK, dry_run=True)
        assert LineRecord.objects.count() == 3
        store.prune(WEEK)

        names = set(LineRecord.objects.values_list("name", flat=True))
        assert names == {"just lapsed", "api"}
        assert store.line_holder("api") == token


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lapsed", [False, True], ids=["a new line", "a lapsed lease"])
def test_of_many_who_ask_at_once_exactly_one_holds_the_line(store, lapsed):
    if lapsed:
        hold(store, lease=LAPSED)
    together = threading.Barrier(6, timeout=10)

    def ask(number: int) -> UUID | None:
        try:
            connection.ensure_connection()
            together.wait()
            return hold(store)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        tokens = [token for token in pool.map(ask, range(6)) if token is not None]

    assert tokens == [store.line_holder("api")]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_takes_a_lapsed_line_over_at_the_same_time_is_waited_for_and_wins(store):
    hold(store, lease=LAPSED)
    theirs = uuid4()
    session = PsycopgSession("default", prepared=False)
    pid = session.rows("SELECT pg_backend_pid()", {})[0][0]
    taking = {"name": "api", "token": theirs.hex, "holder": "host:2", "lease": 30.0}

    def ask() -> UUID | None:
        try:
            return hold(store)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with session.atomic():
            session.rows(sql.load("postgresql", "hold_line"), taking)
            mine = pool.submit(ask)
            _until_it_blocks_somebody(pid)
        assert mine.result(10) is None
    session.close()

    assert store.line_holder("api") == theirs


def _until_it_blocks_somebody(pid: int) -> None:
    with connection.cursor() as cursor:
        for _ in range(20_000):
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))", [pid]
            )
            if cursor.fetchone():
                return
    raise AssertionError("nobody waits")
