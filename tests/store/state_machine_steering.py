"""What operators and the janitor do, on top of what runs; and what holds after every step."""

from collections import Counter
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import invariant, multiple, rule

from django_jobqueue.core.specs import JobFilter, Purged, Retention
from django_jobqueue.core.states import ARCHIVED_STATES, JobState, WorkerState
from django_jobqueue.models import WorkerRecord

from .state_machine import Running, keys, queues
from .state_machine_model import WAITING, ModelJob
from .state_machine_rows import (
    TABLES,
    assert_keys_have_one_holder,
    assert_one_record_of_each_job,
    assert_runs_are_within_their_attempts,
    assert_tokens_are_current,
    rows_of,
)

DAY = timedelta(days=1)
some_ids = st.lists(Running.jobs, min_size=1, max_size=4, unique=True)
filters = st.one_of(
    st.builds(lambda ids: JobFilter(ids=tuple(ids)), some_ids),
    st.builds(lambda key: JobFilter(unique_key=key), keys),
    st.builds(
        lambda queue, state: JobFilter(queue=queue, state=state),
        queues,
        st.sampled_from([JobState.SCHEDULED, JobState.RUNNING, JobState.SUCCEEDED]),
    ),
)


class QueueMachine(Running):
    """Every verb of the store, and the invariants."""

    @rule(wanted=filters)
    def cancel(self, wanted: JobFilter) -> None:
        answer = self.store.cancel(wanted, reason="no need")
        meant = [job for job in self.model.jobs.values() if _matches(job, wanted)]
        assert (answer.cancelled, answer.asked) == self.model.cancel(meant)

    @rule(ids=some_ids)
    def run_now(self, ids: list[int]) -> None:
        scheduled = [job for job in self.model.of(JobState.SCHEDULED) if job.id in ids]
        assert self.store.run_now(JobFilter(ids=tuple(ids))) == len(scheduled)
        for job in scheduled:
            job.awaits(0)

    @rule(target=Running.jobs, ids=some_ids)
    def requeue(self, ids: list[int]) -> object:
        live, refused = self.store.requeue(JobFilter(ids=tuple(ids)))
        final = [job for one in sorted(ids) if (job := self.model.jobs.get(one)) is not None]
        dead = [job for job in final if job.state is JobState.DEAD]
        archived = [job for job in final if job.state in ARCHIVED_STATES]
        answers = iter(live)
        expected_refusals = []
        for job in (*dead, *archived):
            if self.model.holder_of(job.unique_key) is None:
                self.model.requeued(job, as_id=next(answers))
            else:
                expected_refusals.append(job.id)
        assert next(answers, None) is None
        assert refused == expected_refusals
        return multiple(*live)

    @rule(ids=some_ids)
    def discard_dead(self, ids: list[int]) -> None:
        dead = [job.id for job in self.model.of(JobState.DEAD) if job.id in ids]
        assert self.store.discard_dead(JobFilter(ids=tuple(ids))) == len(dead)
        for job_id in dead:
            del self.model.jobs[job_id]

    @rule(wanted=filters)
    def purge(self, wanted: JobFilter) -> None:
        meant = [job for job in self.model.jobs.values() if _matches(job, wanted)]
        tables = Counter(job.table for job in meant)
        waiting = [job for job in meant if job.state in WAITING]
        expected = Purged(archived=tables["archive"], dead=tables["dead"], cancelled=len(waiting))
        assert self.store.purge(wanted, dry_run=True) == expected
        assert self.store.purge(wanted) == expected
        for job in meant:
            if not job.is_live:
                del self.model.jobs[job.id]
        self.model.cancel(waiting)

    @rule(queue=queues, pause=st.sampled_from([True, False, False]))
    def pause_or_resume(self, queue: str, pause: bool) -> None:
        if pause:
            self.store.pause_queue(queue)
            self.model.paused.add(queue)
        else:
            resumed = self.store.resume_queue(queue)
            assert (resumed is not None) == (queue in self.model.paused)
            self.model.paused.discard(queue)

    @rule(keeps_archive=st.booleans(), keeps_dead=st.booleans())
    def prune_two_days_later(self, keeps_archive: bool, keeps_dead: bool) -> None:
        kept, over = 10 * DAY, DAY
        retention = Retention(
            archive=kept if keeps_archive else over, dead=kept if keeps_dead else over
        )
        pruned = self.store.prune(retention, now=self.now + 2 * DAY)
        assert pruned.archived == (0 if keeps_archive else self.model.forget(ARCHIVED_STATES))
        assert pruned.dead == (0 if keeps_dead else self.model.forget([JobState.DEAD]))
        assert pruned.workers == self.model.forget_workers()

    @invariant()
    def what_holds_after_every_step(self) -> None:
        tables = {name: rows_of(name) for name in TABLES}
        assert tables == self.model.tables()
        assert_one_record_of_each_job(tables)
        assert_tokens_are_current(tables["live"], drawn=self.model.tokens)
        assert_runs_are_within_their_attempts(tables["live"])
        assert_keys_have_one_holder(tables["live"])
        states = {row.pk: WorkerState(row.state) for row in WorkerRecord.objects.all()}
        # Among them, that no worker is forgotten whose jobs run.
        assert states == self.model.workers


def _matches(job: ModelJob, wanted: JobFilter) -> bool:
    return all(
        (
            wanted.ids is None or job.id in wanted.ids,
            wanted.unique_key is None or job.unique_key == wanted.unique_key,
            wanted.queue is None or job.queue == wanted.queue,
            wanted.state is None or job.state is wanted.state,
        )
    )
