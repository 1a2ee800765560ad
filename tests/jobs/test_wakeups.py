from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction

from django_jobqueue.jobs.wakeups import BURST, WakeUps
from django_jobqueue.store import store_for
from tests.handlers import add


class Watch:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def listening_store() -> Any:
    """The store of the test's database, that keeps what it was asked to send."""
    real = type(store_for("default"))

    class Noted(real):  # type: ignore[misc, valid-type]
        supports_notify = True

        def __init__(self) -> None:
            super().__init__("default")
            self.sent: list[list[str]] = []

        def notify(self, queues: Sequence[str]) -> None:
            self.sent.append(list(queues))

    return Noted()


class TestDebouncing:
    def test_a_queue_is_woken_once_in_each_interval_on_average(self):
        watch, store = Watch(), listening_store()
        wakeups = WakeUps(clock=watch)

        for _ in range(1_000):
            watch.seconds += 0.01
            wakeups.send(["mail"], store=store, debounce=0.1)

        assert 100 <= len(store.sent) <= 100 + BURST

    def test_jobs_that_come_now_and_then_have_a_wake_up_each(self):
        watch, store = Watch(), listening_store()
        wakeups = WakeUps(clock=watch)

        for seconds in [0.02, 0.05, 0.2] * 20:
            watch.seconds += seconds
            wakeups.send(["mail"], store=store, debounce=0.1)

        assert len(store.sent) >= 50

    def test_ten_are_saved(self):
        watch, store = Watch(), listening_store()
        wakeups = WakeUps(clock=watch)

        for _ in range(2):
            watch.seconds += 3_600.0
            for _ in range(20):
                wakeups.send(["mail"], store=store, debounce=0.1)

        assert len(store.sent) == 2 * BURST

    def test_a_smaller_debounce_holds_at_once(self):
        watch, store = Watch(), listening_store()
        wakeups = WakeUps(clock=watch)
        wakeups.send(["mail"], store=store, debounce=3_600)

        for _ in range(3):
            wakeups.send(["mail"], store=store, debounce=0.0)

        assert len(store.sent) == 4

    def test_a_lower_debounce_begins_anew(self):
        watch, store = Watch(), listening_store()
        wakeups = WakeUps(clock=watch)
        wakeups.send(["mail"], store=store, debounce=3_600)

        for _ in range(20):
            watch.seconds += 10
            wakeups.send(["mail"], store=store, debounce=0.1)

        assert len(store.sent) == 21

    def test_queues_do_not_debounce_each_other(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())
        for _ in range(BURST + 1):
            wakeups.send(["a"], store=store, debounce=0.1)

        wakeups.send(["a", "b"], store=store, debounce=0.1)

        assert store.sent == [["a"]] * BURST + [["b"]]

    def test_without_debounce_every_commit_wakes(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())

        for _ in range(3):
            wakeups.send(["a"], store=store, debounce=0.0)

        assert store.sent == [["a"]] * 3

    def test_ten_thousand_queues_are_not_remembered_for_ever(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())

        for number in range(10_000):
            wakeups.send([f"queue {number}"], store=store, debounce=60)

        assert len(store.sent) == 10_000
        assert len(wakeups._back_at) <= 1_001


@pytest.mark.django_db(transaction=True)
class TestCommit:
    def test_nothing_is_sent_before_the_commit(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())

        with transaction.atomic():
            wakeups.send_after_commit(["mail"], store=store, debounce=0.1)
            assert store.sent == []

        assert store.sent == [["mail"]]

    def test_nothing_is_sent_after_a_rollback(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())

        with transaction.atomic():
            wakeups.send_after_commit(["mail"], store=store, debounce=0.1)
            transaction.set_rollback(True)

        assert store.sent == []

    def test_what_commits_together_wakes_each_queue_once(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())

        with transaction.atomic():
            wakeups.send_after_commit(["mail"], store=store, debounce=0.1)
            wakeups.send_after_commit(["mail", "fax"], store=store, debounce=0.1)
            with transaction.atomic():
                wakeups.send_after_commit(["mail"], store=store, debounce=0.1)

        assert store.sent == [["mail"], ["fax"]]

    def test_what_commits_later_wakes_again(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())

        for _ in range(2):
            with transaction.atomic():
                wakeups.send_after_commit(["mail"], store=store, debounce=0.1)

        assert store.sent == [["mail"]] * 2

    def test_what_was_rolled_back_keeps_no_later_commit_from_waking(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())

        with transaction.atomic():
            wakeups.send_after_commit(["mail"], store=store, debounce=0.1)
            transaction.set_rollback(True)
        with transaction.atomic():
            wakeups.send_after_commit(["mail"], store=store, debounce=0.1)

        assert store.sent == [["mail"]]

    def test_what_is_enqueued_because_of_the_commit_wakes_for_itself(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())

        with transaction.atomic():
            wakeups.send_after_commit(["mail"], store=store, debounce=0.1)
            transaction.on_commit(
                lambda: wakeups.send_after_commit(["mail"], store=store, debounce=0.1)
            )

        assert store.sent == [["mail"]] * 2

    @pytest.mark.postgresql
    def test_transactions_of_two_connections_wake_for_themselves(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())
        outer = connections["default"]

        with transaction.atomic():
            wakeups.send_after_commit(["mail"], store=store, debounce=0.1)
            connections["default"] = inner = outer.copy()
            try:
                with transaction.atomic():
                    wakeups.send_after_commit(["mail"], store=store, debounce=0.1)
                assert store.sent == [["mail"]]
            finally:
                inner.close()
                connections["default"] = outer

        assert store.sent == [["mail"]] * 2

    @pytest.mark.postgresql
    def test_transactions_of_two_threads_wake_for_themselves(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())

        def other() -> None:
            with transaction.atomic():
                wakeups.send_after_commit(["mail"], store=store, debounce=0.1)
            connection.close()

        with transaction.atomic():
            wakeups.send_after_commit(["mail"], store=store, debounce=0.1)
            thread = Thread(target=other)
            thread.start()
            thread.join()

        assert store.sent == [["mail"]] * 2

    def test_outside_a_transaction_it_is_sent_at_once(self):
        store, wakeups = listening_store(), WakeUps(clock=Watch())

        wakeups.send_after_commit(["mail"], store=store, debounce=0.1)

        assert store.sent == [["mail"]]

    def test_a_wake_up_that_fails_hurts_neither_the_caller_nor_later_callbacks(
        self, caplog: pytest.LogCaptureFixture
    ):
        class Mute(type(listening_store())):  # type: ignore[misc]
            def notify(self, queues: Sequence[str]) -> None:
                raise OSError("gone")

        later: list[str] = []
        with transaction.atomic():
            WakeUps(clock=Watch()).send_after_commit(["mail"], store=Mute(), debounce=0.1)
            transaction.on_commit(lambda: later.append("ran"))

        assert later == ["ran"]
        assert "gone" in caplog.text

    @pytest.mark.sqlite
    def test_a_database_that_cannot_notify_is_left_alone(self):
        with transaction.atomic():
            WakeUps().send_after_commit(["mail"], store=store_for("default"), debounce=0.1)

            assert connection.run_on_commit == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
class TestListening:
    """What a listener on another connection hears."""

    def test_a_committed_enqueue_wakes_its_queue(self, heard: Any):
        with transaction.atomic():
            add.using(queue="mail").enqueue(1)

        [payload] = heard()
        assert "mail" in payload

    def test_a_rolled_back_enqueue_wakes_nobody(self, heard: Any):
        with transaction.atomic():
            add.enqueue(1)
            transaction.set_rollback(True)

        assert heard() == []

    def test_a_bulk_enqueue_wakes_once(self, heard: Any):
        add.enqueue_many([{"a": number} for number in range(100)])

        assert len(heard()) == 1

    def test_a_job_due_before_the_promoter_looks_again_wakes_too(self, heard: Any):
        add.using(delay=1).enqueue(1)
        add.using(run_at=datetime.now(UTC) + timedelta(seconds=1)).enqueue(1)  # noqa: TID251

        assert len(heard()) == 2

    def test_a_job_for_later_wakes_nobody(self, heard: Any):
        add.using(delay=60).enqueue(1)
        add.using(run_at=datetime.now(UTC) + timedelta(minutes=1)).enqueue(1)  # noqa: TID251

        assert heard() == []

    def test_a_job_that_was_not_created_wakes_nobody(self, heard: Any):
        add.using(unique_key="k").enqueue(1)
        add.using(unique_key="k").enqueue(1)

        assert len(heard()) == 1

    def test_many_commits_wake_a_queue_ten_times(self, heard: Any, settings: Any):
        settings.JOBQUEUE = {"NOTIFY_DEBOUNCE": 3_600}
        for number in range(20):
            add.using(queue="debounced for an hour").enqueue(number)

        assert len(heard()) == BURST
