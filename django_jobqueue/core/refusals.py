"""Which limits a waiting job is under, and which of them would refuse it now: pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from .clock import moment_text
from .limits import HandlerLimits, Limit, LimitKind, LimitName, QueueSettings, Usage
from .snapshots import JobSnapshot, LimitSnapshot, RunningJob, WorkerSnapshot

#: How many of those that hold a full limit are named.
NAMED = 5


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that refuses a job, by the text of its name. A rate does so `until` a time; what is
    full has no end that anybody knows.
    """

    name: str
    told: str
    until: datetime | None = None


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What bounds one job. `declared` is what the code of this process says of its handler, None
    where that is not registered here; then what claims wrote in `rows` is believed. `running` are
    the jobs that may count under any of its limits.
    """

    handlers: tuple[str, ...] = ()
    declared: HandlerLimits | None = None
    queue: QueueSettings = QueueSettings()
    rows: Mapping[LimitName, LimitSnapshot] = {}
    running: Sequence[RunningJob] = ()

    def with_rows(self, rows: Iterable[LimitSnapshot]) -> "Bounds":
        """Return the same with what the rows of its limits say."""
        return msgspec.structs.replace(self, rows={row.name: row for row in rows})

    def refusals(
        self, job: JobSnapshot, now: datetime, serving: Sequence[WorkerSnapshot]
    ) -> Iterator[Refusal]:
        """Yield each limit that would refuse the job now, across workers and in every process of
        those that serve it.
        """
        for name, limit in self._limits(job):
            row = self.rows.get(name)
            counted = [one for one in self.running if self._counts(one, name)]
            next_at = None if row is None else row.next_at
            usage = Usage(limit, running=len(counted), next_at=next_at)
            yield from _refusals_of(name, usage, counted, now)
        yield from self._refusals_of_processes(job, serving)

    def names(self, job: JobSnapshot) -> list[LimitName]:
        """Return the names of the limits that the job may be under, in the order they are taken."""
        own = self.handlers[0] if self.handlers else job.handler
        named = [LimitName(LimitKind.QUEUE, job.queue), LimitName(LimitKind.HANDLER, own)]
        if job.concurrency_key is not None:
            named.append(LimitName(LimitKind.KEY, job.concurrency_key))
        return named

    def _limits(self, job: JobSnapshot) -> Iterator[tuple[LimitName, Limit]]:
        said = self.declared or HandlerLimits(name=job.handler)
        of_key = said.key_limit
        if job.key_limit is not None:
            of_key = msgspec.structs.replace(of_key, max_running=job.key_limit)
        written = {
            LimitKind.QUEUE: self.queue.limit,
            LimitKind.HANDLER: said.limit,
            LimitKind.KEY: of_key,
        }
        for name in self.names(job):
            row, limit = self.rows.get(name), written[name.kind]
            if row is not None and (row.set_at is not None or self._is_all_that_is_known(name)):
                limit = row.limit
            if limit.says_anything:
                yield name, limit

    def _is_all_that_is_known(self, name: LimitName) -> bool:
        return self.declared is None and name.kind is not LimitKind.QUEUE

    def _counts(self, one: RunningJob, name: LimitName) -> bool:
        if name.kind is LimitKind.QUEUE:
            return one.queue == name.name
        if name.kind is LimitKind.HANDLER:
            return one.handler in self.handlers
        return one.key == name.name

    def _refusals_of_processes(
        self, job: JobSnapshot, serving: Sequence[WorkerSnapshot]
    ) -> Iterator[Refusal]:
        of_handler = None if self.declared is None else self.declared.concurrency
        queue, handler, *_ = self.names(job)
        for name, most in ((queue, self.queue.concurrency), (handler, of_handler)):
            if most is None or not serving:
                continue
            counted = [one for one in self.running if self._counts(one, name)]
            owners = [one.worker_id for one in counted]
            if all(owners.count(worker.id) >= most for worker in serving):
                told = f"every worker that serves it runs {most} jobs of {_told(name)} already"
                yield Refusal(name=str(name), told=f"{told}{_those(counted)}")


def _refusals_of(
    name: LimitName, usage: Usage, counted: Sequence[RunningJob], now: datetime
) -> Iterator[Refusal]:
    most = usage.limit.max_running
    if most is not None and usage.running >= most:
        told = f"the limit of {_told(name)} is full: {usage.running} of {most} run"
        yield Refusal(name=str(name), told=f"{told}{_those(counted)}")
    if seconds := usage.due_in(now):
        at = now + timedelta(seconds=seconds)
        told = f"the rate of {_told(name)}, {usage.limit.rate}, lets the next start at"
        yield Refusal(name=str(name), told=f"{told} {moment_text(at)}", until=at)


def _told(name: LimitName) -> str:
    return f"{name.kind} {name.name!r}"


def _those(counted: Sequence[RunningJob]) -> str:
    ids = [str(one.id) for one in counted[:NAMED]] + ["…"] * (len(counted) > NAMED)
    return f": job{'s' if len(counted) > 1 else ''} {', '.join(ids)}" if ids else ""
