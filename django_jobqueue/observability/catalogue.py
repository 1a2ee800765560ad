"""Every event there is: how loud its log line is, and what it means."""

import logging
from collections.abc import Mapping
from typing import NamedTuple


class Event(NamedTuple):
    level: int
    told: str


#: What happens to every job that works is DEBUG, what somebody should look at is WARNING or more.
_QUIET: Mapping[str, str] = {
    "job.enqueued": "a job was stored",
    "job.deduplicated": "a job of its unique key was there already",
    "job.replaced": "a waiting job of its unique key has its arguments now",
    "job.started": "a handler is about to be called",
    "job.permit_refused": "a permit was refused, and the job will be asked for again",
    "job.succeeded": "its outcome is written",
    "job.cancelled_waiting": "a job that waited was cancelled",
    "jobs.promoted": "the time of scheduled jobs has come",
    "jobs.unblocked": "what blocked jobs waited for is over",
    "jobs.spooled": "the database is away: jobs are kept on disk",
    "listener.hears": "notifications arrive",
    "outcomes.written": "what came of some jobs is in the database",
    "pump.exchanged": "a pump wrote outcomes and claimed jobs",
    "records.pruned": "retention has removed records",
    "schedule.fired": "a slot has its job",
}
_TOLD: Mapping[str, str] = {
    "job.cancelled": "a job ended as cancelled",
    "job.rescheduled": "a job will run again: a retry, a snooze, a release or a rescue",
    "job.ended_too_late": "a handler that was given up has ended after all",
    "job.callback_failed": "something after the commit of a transactional handler has failed",
    "job.finish_is_unknown": "whether an outcome was written before a connection broke is unknown",
    "jobs.cancelled": "an operator cancelled jobs",
    "jobs.discarded": "an operator discarded dead letters",
    "jobs.followed": "jobs of a chain became ready that nobody had told so",
    "jobs.hurried": "an operator made jobs run now",
    "jobs.purged": "an operator purged a queue",
    "jobs.requeued": "an operator brought jobs back to life",
    "queue.paused": "an operator paused a queue",
    "queue.resumed": "an operator resumed a queue",
    "queue.configured": "an operator changed the settings of a queue",
    "limit.set": "an operator set a limit",
    "limit.cleared": "an operator cleared a limit",
    "schedule.declared": "a schedule that the code declares is new or has changed",
    "schedule.saved": "a schedule was made or changed at run time",
    "schedule.paused": "an operator paused a schedule",
    "schedule.resumed": "an operator resumed a schedule",
    "schedule.deleted": "a schedule was removed",
    "schedule.skipped": "a slot has no job, for the reason told",
    "template.saved": "a template was made or changed",
    "template.deleted": "a template was removed",
    "worker.registered": "a worker has a lease",
    "worker.draining": "a worker finishes what runs and takes nothing new",
    "worker.reloads": "source files have changed",
    "worker.stop_requested": "an operator asked a worker to stop",
    "child.started": "a supervisor has started a child process",
    "child.retires": "a child ends once its jobs have; another takes its place",
    "child.ended": "a child process has ended well",
    "job_process.started": "a job process was started",
    "job_process.ended": "a job process has ended",
    "probes.listening": "probes are answered there",
    "pump.database_answered": "the database answers a pump again",
    "enqueue.database_answered": "the database answers enqueues again",
    "spool.flushed": "what was kept on disk is in the database",
}
_WORTH_A_LOOK: Mapping[str, str] = {
    "job.cleaning_failed": "a connection could not be closed behind a handler",
    "job.finish_was_stale": "an outcome came after the claim was lost, and counts for nothing",
    "job.given_up": "a handler did not end when it was told to",
    "job.killed": "a job process was killed to end its job",
    "job.overdue": "a job ran past its deadline in a worker that did nothing about it",
    "job.permit_failed": "a strategy has failed",
    "job.progress_lost": "progress could not be written",
    "job_process.died": "a job process died with its job",
    "job_process.not_started": "no job process could be started",
    "child.died": "a child process has died",
    "child.killed": "a child did not react, with a job past its timeout, and was killed",
    "child.orphaned": "a child's supervisor is gone",
    "database.snapshot_held": "an old snapshot keeps finished jobs from being vacuumed",
    "database_thread.replaced": "another thread makes the database calls of async handlers",
    "enqueue.database_failed": "the database does not take enqueues",
    "listener.deaf": "notifications do not arrive: the worker polls",
    "loop.blocked": "a handler holds up the event loop",
    "outcomes.dropped": "outcomes were lost with the database: their jobs run again",
    "outcomes.spooled": "outcomes are kept on disk",
    "pump.database_failed": "the database does not answer a pump",
    "spool.conflict": "a spooled job was given up: its unique key is taken",
    "spool.flush_failed": "the spool could not be flushed",
    "worker.clock_differs": "the clock of the host differs from that of the database",
    "worker.left_silently": "a worker could not say good-bye: its lease has to run out",
    "worker.reaped": "the lease of a dead worker ran out: its jobs may run again",
    "worker.reconciled": "a worker gave back claims that it did not know of",
    "worker.released": "a child died, and its jobs may run again",
    "worker.waits": "a precondition does not hold",
}
_WRONG: Mapping[str, str] = {
    "job.dead": "a job became a dead letter",
    "job.outcome_refused": "the database refused to hold an outcome",
    "schedule.disabled": "a schedule cannot be followed",
    "schedule.refused": "a schedule that the code declares cannot be",
    "spool.entry_refused": "a spooled entry was set aside",
    "worker.declared_dead": "others took the claims of this worker, which begins anew",
}

EVENTS: Mapping[str, Event] = {
    name: Event(level, told)
    for level, events in (
        (logging.DEBUG, _QUIET),
        (logging.INFO, _TOLD),
        (logging.WARNING, _WORTH_A_LOOK),
        (logging.ERROR, _WRONG),
    )
    for name, told in events.items()
}
#: What holds for an event of the site's own.
UNKNOWN = Event(logging.INFO, "")
