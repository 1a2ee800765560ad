"""What can be wrong with the result of a job."""

from .error_text import short_repr
from .errors import JobQueueError


class UnexpectedResult(JobQueueError):
    """The result of a job is no value of the type that was asked for."""

    def __init__(self, job_id: int, *, state: str, result: object, expected: str, why: str) -> None:
        super().__init__(
            f"job {job_id} is {state}, and its result {short_repr(result)} is no {expected}: {why}"
        )
        self.job_id = job_id
        self.result = result
