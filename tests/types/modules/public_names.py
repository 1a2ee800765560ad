# pyright: strict
"""What type checkers know of names that are imported when they are first used."""

from collections.abc import Sequence
from datetime import timedelta
from typing import assert_type

import django_jobqueue
import django_jobqueue.testing as testing
from django_jobqueue import Exponential, JobHandle, JobState, Queue, Retry, requeue


def known_names(handle: JobHandle) -> None:
    assert_type(Exponential(initial=5), Exponential)
    assert_type(django_jobqueue.Queue("mail"), Queue)
    assert_type(django_jobqueue.__version__, str)
    assert_type(handle.state, JobState)
    assert_type(handle.wait(timedelta(seconds=1)).attempt, int)
    assert_type(handle.id, int | None)
    assert_type(handle.result, object)
    assert_type(handle.snapshot.id, int)
    assert_type(handle.snapshot.tags, Sequence[str])
    assert_type(handle.snapshot.meta["source"], object)
    assert_type(handle.attempts[0].log, Sequence[str])
    assert_type(handle.typed_result(int), int)
    assert_type(handle.wait(10).typed_result(dict[str, list[int]]), dict[str, list[int]])
    assert_type(testing.run_jobs(), testing.JobRuns)
    Retry("not reachable yet", delay=60)
    requeue(1)


def unknown_names(handle: JobHandle) -> None:
    testing.run_job()  # error: attr-defined reportAttributeAccessIssue
    django_jobqueue.Queu("mail")  # error: attr-defined reportAttributeAccessIssue
    Exponential(initail=5)  # error: call-arg reportCallIssue
    assert handle.stat  # error: attr-defined reportAttributeAccessIssue
    assert handle.result.pages  # error: attr-defined reportAttributeAccessIssue
    handle.wait(untill="attempted")  # error: call-arg reportCallIssue


def an_unknown_name_that_is_imported() -> None:
    from django_jobqueue import Que  # noqa: F401 # error: attr-defined reportAttributeAccessIssue
