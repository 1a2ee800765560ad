"""Words that are stored, named in SQL and read by other releases: each stays as it is."""

from enum import StrEnum

import pytest

from django_jobqueue.core.audit import CODE, Action, Actor
from django_jobqueue.core.limits import LimitKind
from django_jobqueue.core.queued import QueuedKind
from django_jobqueue.core.schedules import Missed, Overlap, Source
from django_jobqueue.core.states import DeathReason, JobState, WorkerState
from django_jobqueue.core.why import BlockerKind

WORDS: dict[type[StrEnum], str] = {
    JobState: "scheduled blocked ready running succeeded cancelled dead",
    DeathReason: "exhausted discarded unprocessable handler_missing poison expired",
    WorkerState: "alive stopped dead",
    Action: "job.cancel job.run_now job.requeue job.edit job.discard job.purge job.prune"
    " queue.pause queue.resume queue.configure limit.set limit.clear worker.stop schedule.save"
    " schedule.pause schedule.resume schedule.delete schedule.enqueue template.save"
    " template.delete template.enqueue",
    LimitKind: "queue handler key",
    QueuedKind: "job batch schedule template",
    Missed: "skip once all",
    Overlap: "allow skip",
    Source: "code settings call admin",
    BlockerKind: "paused not_due expired waits_for_job blocked limit_full rate no_worker"
    " handler_unknown suspect behind running asked_to_stop worker_gone succeeded cancelled dead",
}


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.__name__)
def test_they_are_these(kind: type[StrEnum]):
    assert [str(word) for word in kind] == WORDS[kind].split()


def test_who_acts_where_nobody_said_so_is_the_code():
    assert Actor("code") == CODE
