"""What one handler leaves behind, the next job in its thread does not meet."""

import contextvars
import decimal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone, translation

from django_jobqueue import JobState
from django_jobqueue.models import QueueRecord

from .site import COMMITTED, PATIENCE, Site, the_attempt_of, within

pytestmark = COMMITTED

FLAVOUR: contextvars.ContextVar[str] = contextvars.ContextVar("flavour", default="plain")


def write(name: str) -> None:
    """Some row of the site's own."""
    QueueRecord.objects.create(name=name)


def can_write() -> bool:
    write("look")
    return not connection.in_atomic_block


class TestTransactions:
    def leave_a_raw_begin(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
        write("lost")

    def leave_an_atomic_block(self) -> None:
        transaction.atomic().__enter__()
        write("lost")

    def leave_autocommit_off(self) -> None:
        transaction.set_autocommit(False)
        write("lost")

    @pytest.mark.parametrize(
        "how", ["leave_a_raw_begin", "leave_an_atomic_block", "leave_autocommit_off"]
    )
    def test_a_transaction_that_is_left_open_is_rolled_back_and_fails_the_attempt(
        self, after: Callable[..., Any], how: str
    ) -> None:
        wrote, first = after(getattr(self, how), can_write)

        assert wrote is True
        assert first.state == JobState.DEAD
        assert the_attempt_of(first).error_type.endswith("LeakedTransaction")
        assert list(QueueRecord.objects.values_list("name", flat=True)) == ["look"]

    def test_a_handler_that_failed_in_it_keeps_its_own_error(
        self, after: Callable[..., Any]
    ) -> None:
        def leave() -> None:
            self.leave_a_raw_begin()
            raise ValueError("mine")

        wrote, first = after(leave, can_write)

        assert wrote is True
        assert the_attempt_of(first).error_type == "ValueError"

    def test_a_transaction_that_the_database_has_aborted_is_left_behind(
        self, after: Callable[..., Any]
    ) -> None:
        def leave() -> None:
            transaction.atomic().__enter__()
            with connection.cursor() as cursor:
                cursor.execute("SELECT nothing_of_this_name")

        wrote, first = after(leave, can_write)

        assert (wrote, first.state) == (True, JobState.DEAD)

    def test_an_atomic_block_in_which_the_handler_closed_the_connection_is_left_behind(
        self, after: Callable[..., Any]
    ) -> None:
        def leave() -> None:
            transaction.atomic().__enter__()
            write("lost")
            connection.close()

        wrote, first = after(leave, can_write)

        assert (wrote, first.state) == (True, JobState.DEAD)

    def test_an_atomic_block_that_the_handler_committed_by_hand_is_left_open_all_the_same(
        self, after: Callable[..., Any]
    ) -> None:
        def leave() -> None:
            transaction.atomic().__enter__()
            with connection.cursor() as cursor:
                cursor.execute("COMMIT")

        wrote, first = after(leave, can_write)

        assert (wrote, first.state) == (True, JobState.DEAD)

    def test_a_closed_connection_is_opened_anew(self, after: Callable[..., Any]) -> None:
        wrote, first = after(lambda: connection.close(), can_write)

        assert (wrote, first.state) == (True, JobState.SUCCEEDED)

    def test_a_connection_that_broke_is_opened_anew(self, after: Callable[..., Any]) -> None:
        def leave() -> None:
            connection.ensure_connection()
            connection.connection.close()

        wrote, _ = after(leave, can_write)

        assert wrote is True

    def test_autocommit_that_was_only_switched_off_harms_nobody(
        self, after: Callable[..., Any]
    ) -> None:
        wrote, first = after(lambda: transaction.set_autocommit(False), can_write)

        assert (wrote, first.state) == (True, JobState.SUCCEEDED)

    def test_what_a_handler_committed_is_kept(self, after: Callable[..., Any]) -> None:
        def commit() -> None:
            with transaction.atomic():
                write("kept")

        _, first = after(commit, can_write)

        assert first.state == JobState.SUCCEEDED
        assert QueueRecord.objects.filter(name="kept").exists()

    @pytest.mark.postgresql
    def test_settings_of_a_session_end_with_its_job(self, after: Callable[..., Any]) -> None:
        def leave() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET default_transaction_read_only = on")
                cursor.execute("SET search_path = nowhere")

        wrote, _ = after(leave, can_write)

        assert wrote is True


class TestContext:
    def test_an_active_time_zone_ends_with_its_job(self, after: Callable[..., Any]) -> None:
        seen, _ = after(
            lambda: timezone.activate(timezone.get_fixed_timezone(timedelta(hours=5))),
            timezone.get_current_timezone_name,
        )

        assert seen == "UTC"

    def test_an_active_language_ends_with_its_job(self, after: Callable[..., Any]) -> None:
        seen, _ = after(lambda: translation.activate("de"), translation.get_language)

        assert seen == "en-us"

    def test_a_decimal_context_ends_with_its_job(self, after: Callable[..., Any]) -> None:
        def leave() -> None:
            decimal.getcontext().prec = 3

        seen, _ = after(leave, lambda: decimal.getcontext().prec)

        assert seen == decimal.DefaultContext.prec

    def test_a_context_variable_ends_with_its_job(self, after: Callable[..., Any]) -> None:
        def leave() -> None:
            FLAVOUR.set("strong")

        seen, _ = after(leave, FLAVOUR.get)

        assert seen == "plain"

    def test_between_async_handlers_nothing_is_handed_on(self, site: Site) -> None:
        async def leave() -> None:
            FLAVOUR.set("strong")
            translation.activate("de")

        async def look() -> list[str | None]:
            return [FLAVOUR.get(), translation.get_language()]

        site.job(leave).enqueue()
        handle = site.job(look).enqueue()
        site.work(async_concurrency=1)

        assert handle.refresh().result == ["plain", "en-us"]


def test_an_async_handler_may_use_the_database_and_leaves_no_connection(site: Site) -> None:
    async def use() -> int:
        await QueueRecord.objects.acreate(name="async")
        return await QueueRecord.objects.acount()

    handle = site.job(use).enqueue()
    site.work()

    assert handle.refresh().result == 1


def sessions_of_others() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT application_name, query FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return cursor.fetchall()


@pytest.mark.postgresql
def test_a_worker_leaves_no_session_behind(site: Site) -> None:
    from django_jobqueue import JobContext

    def progress(context: JobContext) -> None:
        context.progress(1, 2)
        can_write()

    async def progress_async(context: JobContext) -> None:
        await context.aprogress(1, 2)
        await QueueRecord.objects.acount()

    for function in (progress, progress_async):
        site.job(function).enqueue()
    with site.working() as it:
        it.polls()
        site.told.wait_for("job.succeeded", times=2)
    # A backend is gone a moment after its client is.
    assert within(PATIENCE, lambda: not sessions_of_others()), sessions_of_others()
