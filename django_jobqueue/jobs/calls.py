"""A call that is enqueued later, together with others."""

from dataclasses import dataclass

from django_jobqueue.core.specs import NewJob


@dataclass(frozen=True, slots=True)
class JobCall:
    """What `send.s(user_id=1)` returns: a job that was checked, and is not stored yet."""

    job: NewJob
