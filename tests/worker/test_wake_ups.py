"""Wake-ups from other processes: real notifications on PostgreSQL, `data_version` on SQLite."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from django_jobqueue.events import EventBus
from django_jobqueue.models import QueueRecord
from django_jobqueue.service.threads import caught
from django_jobqueue.store import store_for
from django_jobqueue.worker.listener import DataVersionWatch, Listener
from tests.elsewhere import elsewhere

from .bench import Time
from .site import COMMITTED, PATIENCE, Site, Told


@pytest.mark.postgresql
class TestListener:
    pytestmark = COMMITTED

    @pytest.fixture
    def listener(self) -> Any:
        from django_jobqueue.store.notifications import Notifications

        class Hearing(Listener):
            WAIT_SECONDS = 0.05  # a tick that hears nothing takes this long

        self.time, self.told, bus = Time(), Told(), EventBus()
        bus.subscribe(self.told)
        self.wakes: list[str] = []
        self.looks: list[int] = []
        self.notifications = Notifications("default")
        yield Hearing(
            notifications=self.notifications,
            serves=lambda queue: queue == "mail",
            wake=self.wakes.append,
            look=lambda: self.looks.append(len(self.wakes)),
            events=bus,
            elapsed=self.time,
        )
        self.notifications.close()

    def until(self, listener: Any, condition: Callable[[], object]) -> None:
        for _ in range(100):
            listener.tick()
            if condition():
                return
        raise AssertionError("it did not come true")

    def test_it_proves_that_it_hears(self, listener: Any) -> None:
        self.until(listener, lambda: listener.hears)

        assert self.told.names == ["listener.hears"]

    def test_a_notification_of_a_queue_it_serves_wakes_the_pump(self, listener: Any) -> None:
        self.until(listener, lambda: listener.hears)
        elsewhere(lambda: store_for("default").notify(["mail"]))

        self.until(listener, lambda: self.wakes)
        assert self.wakes == ["mail"]

    def test_the_poller_looks_once_the_pump_had_a_moment(self, listener: Any) -> None:
        self.until(listener, lambda: listener.hears)
        elsewhere(lambda: store_for("default").notify(["mail"]))
        self.until(listener, lambda: self.wakes)
        assert self.looks == []

        listener.tick()
        listener.tick()

        assert self.looks == [1]

    def test_a_stream_of_notifications_does_not_keep_the_poller_from_looking(
        self, listener: Any
    ) -> None:
        listener.MOMENT_SECONDS = PATIENCE  # no moment is quiet
        self.until(listener, lambda: listener.hears)
        for passes in (0, PATIENCE):
            elsewhere(lambda: store_for("default").notify(["mail"]))
            self.time.passes(passes)
            listener.tick()

        assert self.looks == [2]

    def test_that_of_another_queue_wakes_nobody(self, listener: Any) -> None:
        self.until(listener, lambda: listener.hears)
        elsewhere(lambda: store_for("default").notify(["reports", "mail"]))

        self.until(listener, lambda: self.wakes)
        assert self.wakes == ["mail"]

    def proofs(self) -> list[bool]:
        """What grows with each proof that is sent."""
        sent: list[bool] = []
        send = self.notifications.send_proof

        def send_and_count() -> None:
            sent.append(True)
            send()

        self.notifications.send_proof = send_and_count  # type: ignore[method-assign]
        return sent

    def test_a_proof_keeps_out_of_the_way_of_the_claim_after_a_wake_up(self, listener: Any) -> None:
        sent = self.proofs()
        self.until(listener, lambda: listener.hears)
        listener.tick()
        elsewhere(lambda: store_for("default").notify(["mail"]))
        self.until(listener, lambda: self.wakes)
        self.time.passes(15)

        listener.tick()
        assert len(sent) == 1
        listener.tick()

        assert len(sent) == 2

    def test_a_stream_of_notifications_does_not_keep_it_from_proving_itself(
        self, listener: Any
    ) -> None:
        sent = self.proofs()
        self.until(listener, lambda: listener.hears)
        elsewhere(lambda: store_for("default").notify(["mail"]))
        self.until(listener, lambda: self.wakes)
        for passes in (19, 2):
            elsewhere(lambda: store_for("default").notify(["mail"]))
            self.time.passes(passes)
            listener.tick()
            assert len(sent) == 1 + (passes == 2)

    def test_it_proves_itself_again_every_fifteen_seconds(self, listener: Any) -> None:
        sent = self.proofs()
        self.until(listener, lambda: listener.hears)
        listener.tick()
        assert len(sent) == 1
        self.time.passes(15)
        listener.tick()

        assert len(sent) == 2

    def test_where_the_proof_does_not_come_back_it_is_deaf_and_says_so_once(
        self, listener: Any
    ) -> None:
        self.until(listener, lambda: listener.hears)
        # As a half-open connection, or a pooler in transaction mode: sent, and never heard.
        self.notifications.send_proof = lambda: None  # type: ignore[method-assign]
        for _ in range(2):
            self.time.passes(15)
            listener.tick()
            self.time.passes(5)
            with pytest.raises(ConnectionError, match="do not arrive"):
                listener.tick()

        assert not listener.hears
        assert self.told.names == ["listener.hears", "listener.deaf"]

    def test_while_it_stays_deaf_it_warns_once_whatever_it_opens_anew(
        self, listener: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.until(listener, lambda: listener.hears)
        self.notifications.send_proof = lambda: None  # type: ignore[method-assign]
        for _ in range(3):
            self.time.passes(15)
            listener.round()
            self.time.passes(5)
            listener.round()

        [warning] = [record for record in caplog.records if record.name.endswith("service.loop")]
        assert "do not arrive" in warning.getMessage()

    def test_a_connection_that_was_cut_is_opened_anew(self, listener: Any) -> None:
        self.until(listener, lambda: listener.hears)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'django_jobqueue listener'"
            )
        from psycopg import OperationalError

        error = caught(lambda: self.until(listener, lambda: False))
        assert isinstance(error, OperationalError)
        assert not listener.hears

        self.until(listener, lambda: listener.hears)
        elsewhere(lambda: store_for("default").notify(["mail"]))
        self.until(listener, lambda: self.wakes)


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


class TestThroughAWorker:
    pytestmark = COMMITTED

    @pytest.mark.parametrize("options", [{}, {"delay": 0.2}], ids=["due now", "due soon"])
    def test_a_worker_that_never_looks_by_itself_starts_what_is_enqueued(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, options: dict[str, float]
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
