"""An operator who looks at queues is told who keeps finished jobs from being vacuumed."""

from datetime import timedelta

import pytest

from django_jobqueue.admin import QueueAdmin
from django_jobqueue.admin.snapshots import note_of
from django_jobqueue.core.health import HeldSnapshot
from django_jobqueue.models import QueueRecord
from django_jobqueue.store.sessions import PsycopgSession

from .factories import list_url, make_queue, page_url

MINUTES = timedelta(minutes=10)
TOLD = "Finished jobs cannot be vacuumed."


@pytest.fixture
def holder(db):
    """The pid of a connection that holds a snapshot, and calls itself what it should not."""
    session = PsycopgSession("default", prepared=False, name="<script>alert(1)</script> report")
    try:
        session.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        session.connection.execute("SELECT 'a secret'")
        yield session.connection.info.backend_pid
    finally:
        session.close()


@pytest.mark.postgresql
class TestPages:
    @pytest.fixture(autouse=True)
    def _queue(self, db):
        self.queue = make_queue("email")

    def pages(self, client) -> list[str]:
        addresses = (list_url(QueueRecord), page_url(self.queue))
        return [client.get(address).content.decode() for address in addresses]

    def test_both_name_the_holder_and_how_to_end_it(self, staff, holder, monkeypatch):
        monkeypatch.setattr(QueueAdmin, "snapshot_age", timedelta(0))

        for page in self.pages(staff()):
            assert TOLD in page
            assert "“&lt;script&gt;alert(1)&lt;/script&gt; report”" in page
            assert f"pid {holder}, idle in transaction." in page
            assert f"<code>SELECT pg_terminate_backend({holder})</code>" in page
            assert "<script>alert" not in page
            assert "a secret" not in page

    def test_a_young_one_is_not_told(self, staff, holder):
        assert not any(TOLD in page for page in self.pages(staff()))

    def test_where_nobody_holds_one_nothing_is_told(self, staff, monkeypatch):
        monkeypatch.setattr(QueueAdmin, "snapshot_age", timedelta(0))

        assert not any(TOLD in page for page in self.pages(staff()))


def held(kind: str = "connection", **facts) -> HeldSnapshot:
    told = {"pid": None, "name": "nightly", "state": None, "xmin": "1", "age": 601.0, "query": None}
    return HeldSnapshot(kind=kind, **{**told, **facts})


class TestNotes:
    @pytest.mark.parametrize("snapshot", [None, held(age=None), held(age=600.0)])
    def test_a_young_one_or_one_of_unknown_age_is_none(self, snapshot):
        assert note_of(snapshot, max_age=MINUTES) is None

    @pytest.mark.parametrize(
        ("snapshot", "statement"),
        [
            (held(pid=4711), "SELECT pg_terminate_backend(4711)"),
            (held("prepared transaction", name="o'1"), "ROLLBACK PREPARED 'o''1'"),
            (held("prepared transaction", name="a\u202eb"), ""),
            (held("replication slot", pid=4711), ""),
        ],
    )
    def test_each_kind_is_ended_in_its_own_way(self, snapshot, statement):
        note = note_of(snapshot, max_age=MINUTES)

        assert note is not None
        assert note.ends_it == statement

    def test_what_is_invisible_is_spelled_out(self):
        note = note_of(held(name="a\u202eb", state="\x1b[31m"), max_age=MINUTES)

        assert note is not None
        assert (note.name, note.state, note.age) == ("a\\u202eb", "\\u001b[31m", "10 min 1 s")
