"""Wake-ups from other processes: real notifications on PostgreSQL, `data_version` on SQLite."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from django_jobqueue.events import EventBus
from django_jobqueue.models import QueueRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.notifications import Notifications
from django_jobqueue.worker.hearing import Hearing
from django_jobqueue.worker.listener import DataVersionWatch, Listener
from tests.elsewhere import elsewhere

from .bench import Time
from .site import COMMITTED, PATIENCE, Site, Told, within


class Proving:
    """A listener, and the pause of whoever hears for it, both a step at a time."""

    def __init__(self) -> None:
        self.time, self.told, bus = Time(), Told(), EventBus()
        bus.subscribe(self.told)
        self.wakes: list[str | None] = []
        self.proofs: list[bool] = []  #: of each that is sent, whether it was to arrive
        self.arrive = True
        self.notifications = Notifications.apart("default")
        self.hearing = Hearing(
            serves=lambda queue: queue == "mail",
            wake=self.wakes.append,
            look=lambda: None,
            elapsed=self.time,
        )
        self.hearing.listens_with(self.notifications)
        self.listener = Listener(self.hearing, events=bus, elapsed=self.time)
        send = self.notifications.send

        def send_and_count(payload: str) -> None:
            self.proofs.append(self.arrive)
            if self.arrive:
                send(payload)

        self.notifications.send = send_and_count  # type: ignore[method-assign]

    def pause(self) -> None:
        """One that takes no time."""
        self.hearing.set()
        self.hearing.wait()
        self.hearing.clear()

    def hears(self) -> "Proving":
        """Return once a proof has come back."""
        self.notifications.open()
        self.until(lambda: self.listener.hears)
        return self

    def until(self, condition: Callable[[], object]) -> None:
        def stepped() -> bool:
            self.listener.tick()
            self.pause()
            return bool(condition())

        assert within(PATIENCE, stepped)

    def hears_a_wake_up(self) -> None:
        count = len(self.wakes)
        elsewhere(lambda: store_for("default").notify(["mail"]))

        def heard() -> bool:
            self.pause()
            return len(self.wakes) > count

        assert within(PATIENCE, heard)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """With somebody who hears what comes, but what comes is nothing."""
        self.hearing.is_waiting = True
        yield
        self.hearing.is_waiting = False

    def close(self) -> None:
        self.notifications.close()
        self.hearing.close()


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

    def test_before_anybody_listens_it_sends_no_proof(self, it: Proving) -> None:
        assert it.listener.tick() == Listener.ANSWER_SECONDS
        it.time.passes(1)
        assert it.listener.tick() == Listener.ANSWER_SECONDS - 1

        assert it.proofs == []

    def test_where_nobody_begins_to_listen_it_says_so(self, it: Proving) -> None:
        it.listener.tick()
        it.time.passes(Listener.ANSWER_SECONDS)

        with pytest.raises(ConnectionError, match="no connection listens"):
            it.listener.tick()
        assert it.told.names == []
        assert it.hears().told.names == ["listener.hears"]

    def test_a_proof_keeps_out_of_the_way_of_the_claim_after_a_wake_up(self, it: Proving) -> None:
        it.hears()
        it.listener.tick()
        it.time.passes(15)
        it.hears_a_wake_up()

        assert it.listener.tick() == Listener.MOMENT_SECONDS
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
        it.notifications.open()

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
            assert it.listener.tick() == Listener.ANSWER_SECONDS
            it.time.passes(5)
            with it.waiting(), pytest.raises(ConnectionError, match="do not arrive"):
                it.listener.tick()
            it.pause()
            it.notifications.open()
            assert it.hearing.connection is not before

        assert not it.listener.hears
        assert it.told.names == ["listener.hears", "listener.deaf"]

    def test_who_has_no_time_to_listen_is_not_deaf(self, it: Proving) -> None:
        it.hears()
        it.time.passes(15)
        it.listener.tick()
        it.time.passes(60)
        assert it.listener.tick() == Listener.BUSY_SECONDS
        assert it.listener.hears

        it.until(lambda: it.listener.tick() == Listener.PROOF_SECONDS)
        assert it.told.names == ["listener.hears"]

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
            it.notifications.open()

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
        with pytest.raises(ConnectionError, match=r"no connection listens: .*OperationalError"):
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
