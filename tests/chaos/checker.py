"""Judging a storm: its history against what the database holds in the end."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf

import msgspec

from .history import Event
from .jobs import LIMIT


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stands in the end; `answered` is the token that its result names.

    `doomed` is the reason for which it must die, if it must; `effects` how many there are, of one
    that leaves them in its own transaction; `is_limited` where only LIMIT may be leased at a time.
    """

    id: int
    number: int
    state: str
    token: str = ""
    answered: str = ""
    attempt: int = 1
    reason: str = ""
    doomed: str = ""
    effects: int | None = None
    is_limited: bool = False

    @property
    def is_live(self) -> bool:
        return self.state in ("scheduled", "blocked", "ready", "running")


class Run(msgspec.Struct, kw_only=True):
    """One call of a handler; without an end it ran until its process was gone."""

    job: int
    token: str
    worker: str
    started: float
    ended: float = inf
    returned: bool = False


class BatchEnd(msgspec.Struct, frozen=True, kw_only=True):
    """When the jobs that a batch enqueued at its end were last claimed, and its last member
    ended, both by the database's clock.
    """

    began: Sequence[datetime | None]
    last_member: datetime | None

    @property
    def is_right(self) -> bool:
        """Whether there was one, and it came after the last member."""
        if len(self.began) != 1 or self.began[0] is None or self.last_member is None:
            return False
        return self.began[0] >= self.last_member


class Verdict(msgspec.Struct, kw_only=True):
    """How many of each. FAILURES must be nought; the others say what the storm was worth."""

    lost: int = 0  #: acknowledged, and neither final nor live
    unfinished: int = 0  #: still live
    unexpected: int = 0  #: rolled back or never asked for, and there all the same
    duplicated: int = 0  #: one request, several jobs
    doubly_finished: int = 0  #: several records of one job
    late_writes: int = 0  #: the record bears one claim and the answer of another
    unexplained: int = 0  #: succeeded under a claim whose run nobody saw return
    dead: int = 0  #: buried, though it can succeed
    wrongly_spent: int = 0  #: succeeded, in a later attempt than it failed
    wrong_effects: int = 0  #: transactional, and not one effect of a success, or any of another
    wrong_ends: int = 0  #: doomed, and not dead for its own reason
    cancelled: int = 0  #: though nobody asked for it
    unfenced_overlaps: int = 0  #: two runs at once, and nobody had declared the first worker dead
    over_limit: int = 0  #: began while as many as may be were running on workers that live
    repeated_slots: int = 0  #: of a schedule, with more than one job
    missing_slots: int = 0  #: between two others, with none
    wrong_batch_ends: int = 0  #: not one job at the end of a batch, or one before its last member

    jobs: int = 0
    succeeded: int = 0
    doomed: int = 0  #: dead, as they had to
    transactional: int = 0
    limited: int = 0
    slots: int = 0
    batches: int = 0
    recovered: int = 0  #: enqueues whose answer was lost, and whose job was there
    runs: int = 0
    repeated_effects: int = 0  #: jobs whose effect was seen more than once
    overlapping: int = 0  #: two runs of one job at the same time
    late_finishes: int = 0  #: runs that returned while a successor was running

    FAILURES = (
        "lost unfinished unexpected duplicated doubly_finished late_writes unexplained dead "
        "wrongly_spent wrong_effects wrong_ends cancelled unfenced_overlaps over_limit "
        "repeated_slots missing_slots wrong_batch_ends"
    )

    @property
    def failures(self) -> dict[str, int]:
        """What must not be, and was."""
        return {name: count for name in self.FAILURES.split() if (count := getattr(self, name))}


def judge(
    events: Sequence[Event],
    records: Sequence[Record],
    *,
    dead_workers: Collection[str],
    slots: Sequence[datetime] = (),
    batch_ends: Sequence[BatchEnd] = (),
) -> Verdict:
    """Return the verdict; `dead_workers` are the ids of all that were declared dead, `slots` those
    of the jobs of a schedule that comes every second.
    """
    runs = runs_of(events)
    verdict = Verdict(jobs=len(records), runs=len(runs))
    _judge_enqueueing(verdict, events, records)
    doomed = [record for record in records if record.doomed]
    _judge_doomed(verdict, doomed)
    returned = {(run.job, run.token) for run in runs if run.returned}
    failures = Counter(event.job for event in events if event.answer == "retry")
    for record in records:
        if not record.doomed:
            _judge_record(verdict, record, returned, failures[record.id])
    verdict.doubly_finished = len(records) - len({record.id for record in records})
    # What is given up runs on, until its process has gone: that is its doom.
    apart = {record.id for record in doomed}
    _judge_runs(verdict, [run for run in runs if run.job not in apart], dead_workers)
    _judge_limited(verdict, records, [run for run in runs if run.worker not in dead_workers])
    _judge_slots(verdict, slots)
    verdict.batches = len(batch_ends)
    verdict.wrong_batch_ends = sum(not end.is_right for end in batch_ends)
    effects = Counter(event.job for event in events if event.event == "effect")
    verdict.repeated_effects = sum(count > 1 for count in effects.values())
    return verdict


def runs_of(events: Iterable[Event]) -> list[Run]:
    """Return every run that began, in order of its beginning."""
    by_token: dict[tuple[int, str], Run] = {}
    of_process: defaultdict[int, list[Run]] = defaultdict(list)
    for event in events:
        if event.event == "start":
            run = Run(job=event.job, token=event.token, worker=event.worker, started=event.mono)
            by_token[event.job, event.token] = run
            of_process[event.pid].append(run)
        elif event.event == "end":
            run = by_token[event.job, event.token]
            run.ended, run.returned = event.mono, True
        elif event.event == "gone":
            for run in of_process.pop(event.pid, []):
                run.ended = min(run.ended, event.mono)
    return sorted(by_token.values(), key=lambda run: run.started)


def _judge_enqueueing(verdict: Verdict, events: Sequence[Event], records: Sequence[Record]) -> None:
    known: defaultdict[str, set[int]] = defaultdict(set)
    for event in events:
        if event.event.startswith("enqueue."):
            known[event.event].add(event.number)
    found = {record.number for record in records}
    ids = {(record.number, record.id) for record in records}
    verdict.lost = len(known["enqueue.ok"] - found)
    verdict.recovered = len(known["enqueue.unknown"] & found)
    allowed = known["enqueue.ok"] | known["enqueue.unknown"]
    verdict.unexpected = len(found - allowed)
    verdict.duplicated = len(ids) - len(found)


def _judge_doomed(verdict: Verdict, doomed: Sequence[Record]) -> None:
    for record in doomed:
        is_dead = record.state == "dead" and record.reason == record.doomed
        verdict.doomed += is_dead
        verdict.unfinished += record.is_live
        verdict.wrong_ends += not is_dead and not record.is_live


def _judge_record(
    verdict: Verdict, record: Record, returned: Collection[tuple[int, str]], failures: int
) -> None:
    verdict.unfinished += record.is_live
    verdict.dead += record.state == "dead"
    verdict.cancelled += record.state == "cancelled"
    if record.effects is not None:
        verdict.transactional += 1
        verdict.wrong_effects += record.effects != (record.state == "succeeded")
    if record.state == "succeeded":
        verdict.succeeded += 1
        verdict.late_writes += record.answered != record.token
        verdict.unexplained += (record.id, record.token) not in returned
        # A connection that is lost to a transactional handler is its own failure.
        verdict.wrongly_spent += record.effects is None and record.attempt > 1 + failures


def _judge_runs(verdict: Verdict, runs: Sequence[Run], dead_workers: Collection[str]) -> None:
    of_job: defaultdict[int, list[Run]] = defaultdict(list)
    for run in runs:
        of_job[run.job].append(run)
    for several in of_job.values():
        for first, second in pairwise(several):
            overlaps = second.started < first.ended
            verdict.overlapping += overlaps
            verdict.unfenced_overlaps += overlaps and first.worker not in dead_workers
        verdict.late_finishes += sum(_is_late(run, several) for run in several)


def _is_late(run: Run, several: Sequence[Run]) -> bool:
    return run.returned and any(
        run.started < other.started < run.ended < other.ended for other in several
    )


def _judge_limited(verdict: Verdict, records: Sequence[Record], living: Sequence[Run]) -> None:
    of_limited = {record.id for record in records if record.is_limited}
    verdict.limited = len(of_limited)
    verdict.over_limit = _over_limit([run for run in living if run.job in of_limited])


def _over_limit(runs: Sequence[Run]) -> int:
    # A run lies within its lease, so the runs at any moment are no more than the leases.
    ends: list[float] = []
    too_many = 0
    for run in runs:
        ends = [ended for ended in ends if ended > run.started]
        too_many += len(ends) >= LIMIT
        ends.append(run.ended)
    return too_many


def _judge_slots(verdict: Verdict, slots: Sequence[datetime]) -> None:
    known = sorted(set(slots))
    verdict.slots = len(known)
    verdict.repeated_slots = len(slots) - len(known)
    if known:
        expected = (known[-1] - known[0]) // timedelta(seconds=1) + 1
        verdict.missing_slots = expected - len(known)
