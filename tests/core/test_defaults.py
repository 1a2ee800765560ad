"""What holds where nobody said anything else, of the values that cross layers."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from django_jobqueue.core import batches, following, limits, outcomes, schedules, specs, why
from django_jobqueue.core.audit import Actor, NewAudit
from django_jobqueue.core.due import Due
from django_jobqueue.core.firing import PlannedSlot
from django_jobqueue.core.health import SNAPSHOT_AGE, HealthCheck, Matching
from django_jobqueue.core.queued import QueuedCall
from django_jobqueue.core.refusals import Bounds, Refusal

ONE_AT_A_TIME = limits.Limit(max_running=1)
DEFAULTS: dict[type, dict[str, Any]] = {
    specs.NewJob: {
        "queue": "default",
        "priority": 0,
        "payload": '{"args":[],"kwargs":{}}',
        "run_at": None,
        "delay": 0.0,
        "expires_at": None,
        "max_attempts": 3,
        "max_attempts_is_default": False,
        "timeout_seconds": None,
        "backoff": None,
        "fingerprint": "",
        "unique_key": None,
        "unique_while": "live",
        "unique_for": None,
        "on_conflict": "skip",
        "concurrency_key": None,
        "key_limit": None,
        "tags": "[]",
        "meta": "{}",
        "batch_id": None,
        "template": None,
        "schedule": None,
        "slot": None,
        "requeued_from": None,
        "waits_for": None,
        "result_as": None,
        "on_failure": "cancel",
        "has_next": False,
    },
    Due: {
        "has_ready": False,
        "has_suspects": False,
        "scheduled_seconds": None,
        "slot_seconds": None,
        "has_waiting": False,
        "has_lost": False,
        "up_to": None,
    },
    specs.Inserted: {"replaced": False},
    specs.AttemptReport: {"error_type": "", "message": "", "traceback": "", "log": "[]"},
    specs.Transition: {
        "reason": None,
        "result": None,
        "error": None,
        "delay": 0.0,
        "run_at": None,
        "attempt_change": 0,
        "reprocess_change": 0,
        "rescue_change": 0,
        "keeps_place": False,
        "report": None,
        "keep": True,
    },
    specs.FinishedJob: {"attempted_at": None, "run_seconds": None},
    specs.Watermark: {"id": 0},
    specs.WantedJobs: {"watermarks": ()},
    specs.Cancelled: {"cancelled": 0, "asked": 0},
    specs.Purged: {"cancelled": 0, "archived": 0, "dead": 0},
    specs.Beat: {"stop_requested": False, "cancel_requested": (), "released": (), "up_to": None},
    specs.Retention: {
        "audit": timedelta(days=90),
        "queue": None,
        "archive_for_all": None,
        "dead_for_all": None,
    },
    specs.Pruned: dict.fromkeys(specs.Pruned.__struct_fields__, 0),
    following.Swept: {"followed": (), "up_to": 0},
    following.SweptBatches: {"queues": (), "up_to": 0},
    batches.NewBatch: {
        "meta": "{}",
        "parent_id": None,
        "on_success": None,
        "on_failure": None,
        "on_finish": None,
    },
    Actor: {"why": ""},
    NewAudit: {
        "subject": "",
        "queue": None,
        "asked": {},
        "before": None,
        "after": None,
        "count": 1,
        "job_ids": (),
    },
    QueuedCall: {"later": None, "options": None},
    PlannedSlot: {"reason": ""},
    schedules.ScheduleTerms: {
        "missed": "once",
        "missed_cap": 100,
        "overlap": "allow",
        "jitter": timedelta(0),
    },
    schedules.SlotOutcome: {"job_id": None, "handler": "", "queue": "", "reason": ""},
    schedules.Fired: {"slots": (), "disabled": (), "next_slot_seconds": None},
    schedules.Declared: {"added": (), "changed": (), "disabled": ()},
    schedules.StoredTemplate: {"options": {}},
    limits.Limit: {"max_running": None, "rate": None, "rate_burst": 1},
    limits.HandlerLimits: {
        "concurrency": None,
        "limit": limits.Limit(),
        "key_limit": ONE_AT_A_TIME,
    },
    limits.Usage: {"running": 0, "next_at": None, "is_changed": False, "is_set": False},
    limits.Grants: {
        "claimed": [],
        "blocked": {},
        "full_queues": set(),
        "full_handlers": set(),
        "taken": {},
        "limited": 0,
    },
    limits.Unblocked: {"queues": (), "count": 0, "next_due_seconds": None, "rated": ()},
    limits.QueueSettings: {"concurrency": None, "limit": limits.Limit(), "backoff": None},
    limits.LimitsInForce: {"queues": {}, "handlers": {}, "has_keys": False},
    HealthCheck: {"queues": (), "max_age": None, "max_backlog": None, "max_snapshot_age": None},
    Matching: {"waiting": 0, "running": 0, "archived": 0, "dead": 0},
    Refusal: {"until": None},
    Bounds: {
        "handlers": (),
        "declared": None,
        "queue": limits.QueueSettings(),
        "rows": {},
        "running": (),
    },
    why.Blocker: {"until": None, "error": ""},
    why.Facts: {
        "handler": "",
        "workers": (),
        "owner": None,
        "pause": None,
        "bounds": Bounds(),
        "waited_for": None,
        "ahead": 0,
    },
}


def defaults_of(kind: type) -> dict[str, Any]:
    return {
        field.name: field.default_factory()  # type: ignore[operator]  # one of the two is there
        if field.default is msgspec.NODEFAULT
        else field.default
        for field in msgspec.structs.fields(kind)
        if not field.required
    }


@pytest.mark.parametrize("kind", DEFAULTS, ids=lambda kind: kind.__name__)
def test_of_a_value_it_is_this(kind: type):
    assert defaults_of(kind) == DEFAULTS[kind]


def test_an_answer_without_a_reason_gives_an_empty_one_and_no_time():
    assert outcomes.Succeed().result is None
    for answer in (outcomes.Cancel(), outcomes.Discard(), outcomes.Unprocessable()):
        assert answer.reason == ""
    retry = outcomes.Retry()
    assert (retry.reason, retry.delay, retry.at, retry.exact) == ("", None, None, False)
    assert (outcomes.Snooze().delay, outcomes.Release("stopping").delay) == (None, 0.0)


def test_limits_bound_nothing_unless_they_say_so():
    none = limits.Limits()

    assert (none.handlers, none.queues, none.rooms, none.limited_room) == ({}, {}, {}, None)
    assert (none.refused(1.0), none.passed_over(), none.left_behind([])) == (None, None, None)


def test_an_error_is_removed_by_the_null_of_json():
    assert specs.Transition.NO_ERROR == "null"


def test_a_snapshot_is_old_after_ten_minutes():
    assert timedelta(minutes=10) == SNAPSHOT_AGE
