"""Finding the record of a task by the id of its result."""

from uuid import UUID

from django_jobqueue.core.errors import JobNotFound, JobNotStored

from .framework import TaskResult
from .results import is_task, result_of

#: The framework's own bound, far below that of digits which Python reads.
_ID_LENGTH = 64


def id_of_spooled(receipt: UUID, *, position: int) -> str:
    """Return the id of a result whose job is in the spool of its host."""
    return f"{receipt}.{position}"


def find_result(result_id: object) -> TaskResult | None:
    """Return the result of that id, in whichever table its job is; None if no task has it."""
    from django_jobqueue.jobs.handles import JobHandle  # late: tasks are declared before models are

    text = str(result_id)
    if len(text) >= _ID_LENGTH:
        return None
    if text.isascii() and text.isdecimal():
        handle = JobHandle(int(text))
    elif (place := _place_in_spool(text)) is not None:
        handle = JobHandle.of_spooled(place[0], position=place[1])
    else:
        return None
    try:
        job = handle.refresh().snapshot
    except (JobNotFound, JobNotStored):
        return None
    meta = job.meta if isinstance(job.meta, dict) else {}
    if not is_task(job.handler, meta):
        return None
    return result_of(job, handle.attempts if job.attempt or job.state.is_final else ())


def _place_in_spool(text: str) -> tuple[UUID, int] | None:
    receipt, _, position = text.partition(".")
    try:
        return UUID(receipt), int(position)
    except ValueError:
        return None
