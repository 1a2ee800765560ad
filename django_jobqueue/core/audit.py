"""What is written down of an operator's action."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

#: A record names so many jobs at most; its count tells how many there were.
JOBS_NAMED = 100


class Action(StrEnum):
    """What an operator can do, as the audit record names it."""

    CANCEL = "job.cancel"
    RUN_NOW = "job.run_now"
    REQUEUE = "job.requeue"
    EDIT = "job.edit"  #: requeued with other arguments
    DISCARD = "job.discard"
    PURGE = "job.purge"
    PRUNE = "job.prune"
    PAUSE_QUEUE = "queue.pause"
    RESUME_QUEUE = "queue.resume"
    CONFIGURE_QUEUE = "queue.configure"
    SET_LIMIT = "limit.set"
    CLEAR_LIMIT = "limit.clear"
    STOP_WORKER = "worker.stop"
    SAVE_SCHEDULE = "schedule.save"
    PAUSE_SCHEDULE = "schedule.pause"
    RESUME_SCHEDULE = "schedule.resume"
    DELETE_SCHEDULE = "schedule.delete"
    ENQUEUE_SCHEDULE = "schedule.enqueue"
    SAVE_TEMPLATE = "template.save"
    DELETE_TEMPLATE = "template.delete"
    ENQUEUE_TEMPLATE = "template.enqueue"  #: by a person; code that enqueues is no operator


class Actor(msgspec.Struct, frozen=True):
    """Who acts, and why."""

    name: str
    why: str = ""


#: Who acts where nobody said so.
CODE = Actor("code")


class NewAudit(msgspec.Struct, frozen=True, kw_only=True):
    """An action as it is to be written down.

    `subject` names what it was done to: a queue, limit, worker, schedule or template, or a single
    job by its id. `queue` is the queue that it concerns, if it is one. `asked` is what jobs were
    meant by. `before` and `after` hold what was changed. `count` is how many jobs, or things, it
    was done to; of jobs, the first JOBS_NAMED are in `job_ids`.
    """

    action: Action
    actor: Actor
    subject: str = ""
    queue: str | None = None
    asked: Mapping[str, object] = {}
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None
    count: int = 1
    job_ids: tuple[int, ...] = ()
