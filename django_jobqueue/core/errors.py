"""Every exception raised on purpose: facts as attributes, the way out in the message."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Self

from .hints import did_you_mean


def _rebuilt(cls: type[BaseException], args: tuple[object, ...]) -> BaseException:
    return cls.__new__(cls, *args)


class JobQueueError(Exception):
    """Base class of everything this package raises on purpose, except the interrupts."""

    def __reduce__(self) -> tuple[object, ...]:
        # By default an exception unpickles by calling its class with `args`, here the finished
        # message alone.
        return _rebuilt, (type(self), self.args), self.__dict__


class InvalidSettings(JobQueueError):
    """A JOBQUEUE setting is unknown, of the wrong type, or at odds with another."""


class InvalidOptions(JobQueueError):
    """A job option is unknown, of the wrong type, or at odds with another."""

    def __init__(self, option: str, why: str) -> None:
        super().__init__(f"job option {option!r} {why}")
        self.option = option
        self.why = why

    @classmethod
    def unknown(cls, option: str, *, known: Iterable[str]) -> Self:
        names = sorted(known)
        hint = did_you_mean(option, names) or f" The options are: {', '.join(names)}."
        return cls(option, f"does not exist.{hint}")


class HandlerNotRegistered(JobQueueError):
    """A job names a handler that no imported module declares."""

    def __init__(self, name: str, *, known: Iterable[str] = ()) -> None:
        super().__init__(
            f"no handler named {name!r} is registered in this process.{did_you_mean(name, known)} "
            "Declare it with @job, or as a QueueHandler if it is queue:…, in a module named jobs "
            "of an installed app, or list the old name in aliases= of the handler that took its "
            "place."
        )
        self.name = name


class HandlerAlreadyRegistered(JobQueueError):
    """Two handlers claim one name."""

    def __init__(
        self,
        name: str,
        *,
        advice: str = (
            "Give this one a name of its own with @job(name=…), or pass replace=True to put it in "
            "the other's place."
        ),
    ) -> None:
        super().__init__(f"a handler named {name!r} is already registered. {advice}")
        self.name = name


class InvalidHandler(JobQueueError):
    """A function or class cannot be declared as a job."""

    def __init__(self, handler: str, why: str) -> None:
        super().__init__(f"{handler} cannot be a job: {why}")
        self.handler = handler
        self.why = why


class InvalidArguments(JobQueueError):
    """The arguments do not fit the signature or its annotations; `outline` shows no value."""

    def __init__(self, handler: str, why: str, *, outline: str | None = None) -> None:
        super().__init__(f"{handler}: {why}")
        self.handler = handler
        self.why = why
        self.outline: str = outline or why


class PayloadError(JobQueueError):
    """A payload that no database could give back as it was; `path` is the place in it, `index` the
    job in a bulk call.
    """

    def __init__(self, path: str, why: str, index: int | None = None) -> None:
        where = path if index is None else f"job {index} of the call: {path}"
        super().__init__(f"{where} {why}")
        self.path = path
        self.why = why
        self.index = index

    def at_index(self, index: int) -> "PayloadError":
        """The same error, told of the job at `index` of a bulk call."""
        return PayloadError(self.path, self.why, index)


class PayloadTooLarge(PayloadError):
    """A payload of more bytes than allowed."""

    def __init__(self, size: int, limit: int, index: int | None = None) -> None:
        super().__init__(
            "payload",
            f"takes {size:,} bytes of JSON or more, {limit:,} are allowed. "
            "Store the data elsewhere and pass its key.",
            index,
        )
        self.size = size
        self.limit = limit

    def at_index(self, index: int) -> "PayloadTooLarge":
        return PayloadTooLarge(self.size, self.limit, index)


class UniqueConflict(JobQueueError):
    """A live job holds the unique key, and the caller asked for an error in that case."""

    def __init__(self, unique_key: str, job_id: int) -> None:
        super().__init__(
            f"job {job_id} holds the unique key {unique_key!r}. Wait until it is final, cancel it, "
            "or enqueue with on_conflict='skip' or 'replace'."
        )
        self.unique_key = unique_key
        self.job_id = job_id


class JobNotFound(JobQueueError):
    """No table has this job: it never existed, was rolled back, or its record was not kept."""

    def __init__(self, job_id: int) -> None:
        super().__init__(
            f"job {job_id} is in no table: it was never committed, its record is past retention, "
            "or it succeeded and its handler keeps no record of that (keep=False)"
        )
        self.job_id = job_id


class JobNotStored(JobQueueError):
    """An enqueue while the database was away has put no job into it, so far or for good."""

    def __init__(self, receipt: object, why: str) -> None:
        super().__init__(f"the enqueue with the receipt {receipt} has no job: {why}")
        self.receipt = receipt
        self.why = why


class UnknownReceipt(JobQueueError):
    """No entry of the spool that was set aside has this receipt."""

    def __init__(self, receipt: object) -> None:
        super().__init__(f"nothing was set aside under the receipt {receipt}")
        self.receipt = receipt


class SpoolUnusable(JobQueueError):
    """The spool on this host's disk cannot be read or written."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(
            f"the spool {path} cannot be used: {why}. Mend it, or move the file away to keep what "
            "is in it, and see that JOBQUEUE['SPOOL'] is a directory of the user that runs this."
        )
        self.path = path
        self.why = why


class JobNotFinished(JobQueueError):
    """Something that only a final job has was asked of one that is still live."""

    def __init__(self, job_id: int, state: str) -> None:
        super().__init__(
            f"job {job_id} is {state}, not finished. Wait for it with handle.wait(timeout)."
        )
        self.job_id = job_id
        self.state = state


class JobFailed(JobQueueError):
    """The job behind a handle ended as a dead letter; `reason` is why, `error` its last failure as
    stored.
    """

    def __init__(self, job_id: int, reason: str, error: Mapping[str, object] | None = None) -> None:
        told = f": {error.get('type')}: {error.get('message')}" if error else ""
        super().__init__(f"job {job_id} is dead ({reason}){told}")
        self.job_id = job_id
        self.reason = reason
        self.error = error


class StateChanged(JobQueueError):
    """The job is no longer in the state in which the operator saw it; nothing was done."""

    def __init__(self, job_id: int, why: str) -> None:
        super().__init__(f"the state of job {job_id} has changed: {why}. Nothing was done.")
        self.job_id = job_id
        self.why = why


class RequeueRefused(JobQueueError):
    """A final job cannot become a live one; nothing was done."""

    def __init__(self, job_id: int, why: str) -> None:
        super().__init__(f"job {job_id} was not requeued: {why}")
        self.job_id = job_id
        self.why = why


class DatabaseNotReady(JobQueueError):
    """The database cannot be reached, or lacks migrations."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the database is not ready: {why}")
        self.why = why


class ReadTooSlow(JobQueueError):
    """The database was asked to stop a read that took longer than it may."""

    def __init__(self, at_most: timedelta) -> None:
        super().__init__(f"the database took longer than {at_most.total_seconds():g} s to answer")
        self.at_most = at_most


class LeaseLost(JobQueueError):
    """This run may no longer hold its claim; another worker may already run the job."""

    def __init__(self, job_id: int) -> None:
        super().__init__(
            f"job {job_id} may be run by another worker by now: the lease of this one ran out, "
            "or was not renewed in time"
        )
        self.job_id = job_id


class ProcessNotStarted(JobQueueError):
    """There is no process for a job that asks for one of its own; it has not begun."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no process could be started for it: {why}")
        self.why = why


class ProcessDied(JobQueueError):
    """The process in which a job ran alone has ended by itself; `cause` says how."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class LeakedTransaction(JobQueueError):
    """A handler ended and left a transaction open; what it wrote in there was rolled back."""

    def __init__(self, aliases: Iterable[str]) -> None:
        self.aliases: tuple[str, ...] = tuple(aliases)
        super().__init__(
            f"the handler left a transaction open on the database {', '.join(self.aliases)}; it "
            "was rolled back. Use transaction.atomic() as a block."
        )


class JobInterrupt(BaseException):
    """Raised inside a running handler to end it; no `except Exception` of the handler catches it.

    Constructed without arguments by the interpreter when it is raised in another thread.
    """

    message = "the job was interrupted"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.message)


class JobTimedOut(JobInterrupt):
    """The handler ran longer than its timeout; the attempt is spent."""

    message = "the job ran longer than its timeout"


class JobCancelled(JobInterrupt):
    """Somebody asked for the running job to be cancelled."""

    message = "the job was cancelled while it ran"


class JobReleased(JobInterrupt):
    """The worker shuts down and gives the job back, its attempt unspent."""

    message = "interrupted by the shutdown of its worker"
