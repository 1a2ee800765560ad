"""Why a job ended that was not ended by its handler, for records that name an exception class."""

from .errors import JobQueueError


class JobExpired(JobQueueError):
    """The `expires_at` of the job passed before it ran."""


class JobLost(JobQueueError):
    """The workers of the job died, again and again, while it ran."""
