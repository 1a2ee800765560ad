"""Jobs that belong together: chains."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from asgiref.sync import sync_to_async

from django_jobqueue import conf
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.specs import NewJob
from django_jobqueue.events import events

from .announcing import announce
from .calls import JobCall
from .handles import JobHandle
from .marking import marked
from .site import site_store

OnFailure = Literal["cancel", "hold"]


class Chain:
    """Jobs one after another: each becomes ready when the one before has succeeded."""

    __slots__ = ("_calls", "_on_failure")

    def __init__(self, calls: Sequence[JobCall], *, on_failure: OnFailure) -> None:
        self._calls, self._on_failure = tuple(calls), on_failure

    def enqueue(self) -> list[JobHandle]:
        """Store the jobs in the caller's transaction; return their handles in order.

        UniqueConflict if the unique key of any of them is taken; then nothing is stored. A `delay`
        counts from now, as a `run_at` does: a job whose turn comes sooner waits until then.
        """
        settings, store, links = conf.current(), site_store(), self.links()
        with events.span("jobs.enqueue", jobs=links) as facts:
            jobs = marked(links, facts)
            batch_id = jobs[0].batch_id
            if batch_id is None:
                answers = store.insert_chain(jobs)
            else:
                [answers] = store.insert_members(batch_id, [jobs])
            facts["answers"] = answers
        announce(jobs, answers, store=store, settings=settings, waking=1)
        return [JobHandle(inserted.id) for inserted in answers]

    def links(self) -> list[NewJob]:
        """Return the jobs in order; what each waits for is known once they are stored."""
        return [
            msgspec.structs.replace(call.job, on_failure=self._on_failure) for call in self._calls
        ]

    async def aenqueue(self) -> list[JobHandle]:
        """As `enqueue`."""
        return await sync_to_async(self.enqueue, thread_sensitive=True)()


def chain(*calls: JobCall, on_failure: OnFailure = "cancel") -> Chain:
    """Return jobs that run one after another: `chain(fetch.s(url), store.s()).enqueue()`.

    `using(result_as="page")` gives a job the result of the one before as that argument. When one is
    dead or cancelled, those after it are cancelled for that reason; with `on_failure="hold"` they
    wait until it is requeued, and succeeds.
    """
    if not calls or not all(isinstance(call, JobCall) for call in calls):
        raise TypeError(f"chain() takes one call or more, such as send.s(user_id=1), not {calls!r}")
    if on_failure not in ("cancel", "hold"):
        raise InvalidOptions("on_failure", f"must be 'cancel' or 'hold', not {on_failure!r}")
    if len({call.job.batch_id for call in calls}) > 1:
        raise InvalidOptions("batch", "must be the same for all jobs of a chain")
    if calls[0].job.result_as is not None:
        raise InvalidOptions("result_as", "has no meaning for the first job: none is before it")
    return Chain(calls, on_failure=on_failure)
