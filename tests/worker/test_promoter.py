"""Where a promotion begins, and how soon what lies before that is promoted."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from django_jobqueue import JobState
from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.following import Swept, SweptBatches
from django_jobqueue.core.limits import LimitKind, LimitName, Unblocked
from django_jobqueue.core.specs import Promoted
from django_jobqueue.events import EventBus
from django_jobqueue.models import Job, LimitRecord
from django_jobqueue.store import store_for
from django_jobqueue.worker.promoter import Promoter
from tests.store.helpers import make_job

from .bench import Time

SECOND = timedelta(seconds=1)


class Promotions:
    """Promotes what is due in a database; a promotion from the beginning takes `cost` seconds, and
    so does a look for all that waits.
    """

    def __init__(self, *, batch: int = 100, cost: float = 0.1) -> None:
        self.time, self.cost, self.store = Time(), cost, store_for("default")
        self.since: list[datetime | None] = []
        self.unblocked: list[Collection[LimitName] | None] = []
        store: Any = self
        self.promoter = Promoter(
            store=store,
            wake=lambda: None,
            notify=lambda queues: None,
            events=EventBus(),
            interval=2 * SECOND,
            batch=batch,
            elapsed=self.time,
        )

    def promote(self, *, limit: int, since: datetime | None) -> Promoted:
        self.since.append(since)
        self.time.passes(self.cost if since is None else 0.0)
        return self.store.promote(limit=limit, since=since)

    def unblock(self, freed: Collection[LimitName] | None = None) -> Unblocked:
        self.unblocked.append(freed)
        self.time.passes(self.cost if freed is None else 0.0)
        return self.store.unblock(freed)

    def sweep_waiting(self, *, after: int, limit: int) -> Swept:
        return self.store.sweep_waiting(after=after, limit=limit)

    def sweep_batches(self, *, after: int, limit: int) -> SweptBatches:
        return self.store.sweep_batches(after=after, limit=limit)


def due(ago: timedelta) -> datetime:
    """Schedule a job that is due; return when it became so."""
    at = SystemClock().now() - ago
    make_job(JobState.SCHEDULED, run_at=at)
    return at


def count_scheduled() -> int:
    return Job.objects.filter(state=JobState.SCHEDULED.value).count()


@pytest.mark.django_db
class TestBeginning:
    @pytest.mark.postgresql
    def test_it_begins_where_the_last_one_ended(self) -> None:
        promotions = Promotions()
        last = due(2 * SECOND)
        due(3 * SECOND)
        promotions.promoter.tick()

        promotions.promoter.tick()

        assert promotions.since == [None, last]

    def test_what_is_committed_late_is_promoted_once_that_may_be_paid_for(self) -> None:
        promotions = Promotions()
        due(SECOND)
        promotions.promoter.tick()
        due(60 * SECOND)

        promotions.time.passes(1.9)
        promotions.promoter.tick()
        promotions.time.passes(0.2)
        promotions.promoter.tick()

        assert count_scheduled() == 0
        assert promotions.since[-1] is None

    @pytest.mark.postgresql
    def test_few_that_were_late_send_nobody_back(self) -> None:
        promotions = Promotions()
        last = due(SECOND)
        promotions.promoter.tick()
        due(60 * SECOND)
        promotions.time.passes(2.1)
        promotions.promoter.tick()

        promotions.promoter.tick()

        assert promotions.since == [None, None, last]

    def test_many_that_were_late_are_gone_on_with_at_once(self) -> None:
        promotions = Promotions(batch=2)
        due(SECOND)
        promotions.promoter.tick()
        for seconds in range(60, 65):
            due(seconds * SECOND)
        promotions.time.passes(2.1)

        pauses = [promotions.promoter.tick() for _ in range(3)]

        assert (pauses[:2], count_scheduled()) == ([0.0, 0.0], 0)

    def test_the_next_that_is_due_is_known_from_any_beginning(self) -> None:
        promotions = Promotions()
        due(SECOND)
        due(-60 * SECOND)
        promotions.promoter.tick()

        answer = promotions.store.promote(since=promotions.promoter._promoted_up_to)

        assert answer.next_due_seconds == pytest.approx(60, abs=30)


@pytest.mark.django_db
class TestWhatWaits:
    """A look for all of it takes a tenth of a second here: for two, there is no other."""

    def test_it_is_looked_for_once_that_may_be_paid_for(self) -> None:
        promotions = Promotions()
        promotions.promoter.tick()
        make_job(JobState.BLOCKED, blocked_by="key:k")

        pause = promotions.promoter.tick()
        assert (pause, Job.objects.get().state) == (pytest.approx(1.9), JobState.BLOCKED)
        promotions.time.passes(2.0)
        promotions.promoter.tick()

        assert Job.objects.get().state == JobState.READY
        assert promotions.unblocked == [None, None]

    def test_what_waits_for_a_rate_becomes_ready_in_time(self) -> None:
        LimitRecord.objects.create(kind="key", name="k", rate="20/s", set_at=Now())
        for _ in range(3):
            make_job(JobState.BLOCKED, blocked_by="key:k", concurrency_key="k")
        promotions = Promotions()

        pauses = [promotions.promoter.tick() for _ in range(2)]

        assert promotions.unblocked == [None, (LimitName(LimitKind.KEY, "k"),)]
        assert max(pause or 0.0 for pause in pauses) <= 0.1

    def test_that_rate_is_forgotten_once_it_blocks_nothing(self) -> None:
        LimitRecord.objects.create(kind="key", name="k", rate="1000/s", set_at=Now())
        make_job(JobState.BLOCKED, blocked_by="key:k", concurrency_key="k")
        promotions = Promotions()
        promotions.promoter.tick()
        promotions.time.passes(2.1)
        promotions.promoter.tick()

        promotions.promoter.tick()

        assert promotions.unblocked == [None, None]
