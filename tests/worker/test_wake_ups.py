"""Wake-ups from other processes: real notifications on PostgreSQL, `data_version` on SQLite."""

from collections.abc import Iterator

import pytest
from django.db import connection

from django_jobqueue.models import QueueRecord
from django_jobqueue.worker.listener import DataVersionWatch, Listener
from tests.elsewhere import elsewhere

from .proving import Proving
from .site import COMMITTED


@pytest.mark.postgresql
class TestListener:
    pytestmark = COMMITTED

    @pytest.fixture
    def it(self) -> Iterator[Proving]:
        it = Proving()
        yield it
        it.close()

    def test_it_proves_that_it_hears(self, it: Proving) -> None:
        it.hears()

        assert it.told.names == ["listener.hears"]
        assert it.proofs == [True]

    def test_before_anybody_listens_it_sends_no_proof_and_has_no_trouble(self, it: Proving) -> None:
        for _ in range(3):
            assert it.listener.tick() == Listener.AGAIN_SECONDS
            it.time.passes(60)

        assert it.proofs == []
        assert it.hears().told.names == ["listener.hears"]

    def test_while_it_does_not_hear_it_looks_often(self, it: Proving) -> None:
        it.arrive = False
        it.notifications.connect()
        it.pause()

        assert it.listener.tick() == Listener.AGAIN_SECONDS
        assert it.proofs == [False]

    def test_a_connection_that_refuses_to_listen_is_its_trouble(
        self, it: Proving, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("django_jobqueue.store.notifications.CHANNEL", "no channel")
        it.notifications.connect()
        it.pause()
        with pytest.raises(ConnectionError, match=r"cannot listen: .*syntax error"):
            it.listener.tick()
        monkeypatch.undo()

        it.pause()  # it is renewed
        it.hears()

    def test_a_proof_keeps_out_of_the_way_of_the_claim_after_a_wake_up(self, it: Proving) -> None:
        it.hears()
        it.listener.tick()
        it.time.passes(15)
        it.hears_a_wake_up()

        assert it.listener.tick() == Listener.AGAIN_SECONDS
        assert len(it.proofs) == 1
        it.time.passes(2 * Listener.MOMENT_SECONDS)
        it.listener.tick()

        assert len(it.proofs) == 2

    def test_a_stream_of_notifications_does_not_keep_it_from_proving_itself(
        self, it: Proving
    ) -> None:
        it.hears()
        it.listener.tick()
        for passes in (19, 2):
            it.time.passes(passes)
            it.hears_a_wake_up()
            it.listener.tick()
            assert len(it.proofs) == 1 + (passes == 2)

    def test_it_proves_itself_again_every_fifteen_seconds(self, it: Proving) -> None:
        it.hears()
        assert it.listener.tick() == 15
        it.time.passes(14)
        assert it.listener.tick() == 1
        assert len(it.proofs) == 1
        it.time.passes(1)
        it.listener.tick()

        assert len(it.proofs) == 2

    def test_a_new_connection_proves_itself_at_once(self, it: Proving) -> None:
        it.hears()
        it.notifications.close()
        it.notifications.connect()
        it.pause()

        it.listener.tick()

        assert len(it.proofs) == 2
        assert it.listener.hears

    def test_where_the_proof_does_not_come_back_it_is_deaf_and_says_so_once(
        self, it: Proving
    ) -> None:
        it.hears()
        # As a half-open connection, or a pooler in transaction mode: sent, and never heard.
        it.arrive = False
        for _ in range(2):
            before = it.hearing.connection
            it.time.passes(15)
            it.listener.tick()
            it.time.passes(5)
            with it.waiting(), pytest.raises(ConnectionError, match="do not arrive"):
                it.listener.tick()
            it.pause()
            it.notifications.connect()
            it.pause()
            assert it.hearing.connection not in (None, before)

        assert not it.listener.hears
        assert it.told.names == ["listener.hears", "listener.deaf"]

    def test_who_has_no_time_to_listen_is_deaf_after_a_while(self, it: Proving) -> None:
        it.hears()
        it.time.passes(15)
        it.listener.tick()
        it.time.passes(14)
        assert it.listener.tick() == Listener.AGAIN_SECONDS
        assert it.listener.hears

        it.time.passes(1)
        with pytest.raises(ConnectionError, match="do not arrive"):
            it.listener.tick()

    def test_who_had_no_time_may_have_heard_it(self, it: Proving) -> None:
        it.hears()
        it.time.passes(15)
        it.listener.tick()
        it.time.passes(14)
        it.until(lambda: it.hearing.proved_at == it.time())

        assert it.listener.tick() == 1
        assert it.told.names == ["listener.hears"]

    def test_a_proof_that_came_beside_something_else_is_sent_again(self, it: Proving) -> None:
        it.notifications.connect()
        it.pause()
        it.listener.tick()
        it.hearing.proved_beside_at = it.time()

        assert it.listener.tick() == Listener.AGAIN_SECONDS
        assert not it.listener.hears
        it.time.passes(1)
        it.listener.tick()

        assert it.proofs == [True, True]

    def test_of_one_that_hears_it_is_not_sent_again_sooner(self, it: Proving) -> None:
        it.hears()
        it.time.passes(15)
        it.listener.tick()
        it.hearing.proved_beside_at = it.time()

        assert it.listener.tick() == Listener.PROOF_SECONDS
        assert it.listener.hears

    def test_while_it_stays_deaf_it_warns_once_whatever_it_opens_anew(
        self, it: Proving, caplog: pytest.LogCaptureFixture
    ) -> None:
        it.hears()
        it.arrive = False
        for _ in range(3):
            it.time.passes(15)
            it.listener.round()
            it.time.passes(5)
            with it.waiting():
                it.listener.round()
            it.pause()
            it.notifications.connect()
            it.pause()

        [warning] = [record for record in caplog.records if record.name.endswith("service.loop")]
        assert "do not arrive" in warning.getMessage()

    def test_where_a_proof_cannot_be_sent_it_is_deaf(self, it: Proving) -> None:
        it.hears()

        def refuse(payload: str) -> None:
            raise ConnectionError("too many clients")

        it.notifications.send = refuse  # type: ignore[method-assign]
        it.time.passes(15)
        with pytest.raises(ConnectionError, match="too many clients"):
            it.listener.tick()

        assert it.told.names == ["listener.hears", "listener.deaf"]
        assert it.hearing.connection is not None

    def test_a_connection_that_was_cut_is_opened_anew(self, it: Proving) -> None:
        it.hears()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'django_jobqueue listener'"
            )
        it.hearing.wait()
        with pytest.raises(ConnectionError, match="was lost"):
            it.listener.tick()
        assert not it.listener.hears

        it.hears()
        it.hears_a_wake_up()


@pytest.mark.sqlite
class TestDataVersionWatch:
    pytestmark = COMMITTED

    def watch(self) -> tuple[DataVersionWatch, list[bool]]:
        wakes: list[bool] = []
        watch = DataVersionWatch("default", wake=lambda: wakes.append(True))
        watch.tick()
        wakes.clear()
        return watch, wakes

    def test_a_commit_of_another_connection_wakes_the_pump(self) -> None:
        watch, wakes = self.watch()
        elsewhere(lambda: QueueRecord.objects.create(name="elsewhere"))

        watch.tick()
        watch.tick()

        assert wakes == [True]

    def test_where_nothing_has_changed_nobody_is_woken(self) -> None:
        watch, wakes = self.watch()
        for _ in range(3):
            watch.tick()

        assert wakes == []
