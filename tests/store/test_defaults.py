"""What a store does where its caller said nothing else: the same on every database."""

from collections.abc import Callable
from datetime import timedelta
from inspect import Parameter, getmembers, isfunction, signature
from typing import Any

import pytest

from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.store.base import JobStore
from django_jobqueue.store.meanwhile import nothing
from django_jobqueue.store.postgresql import PostgreSQLStore
from django_jobqueue.store.postgresql_workers import GOOD_BYE_LIMIT
from django_jobqueue.store.receipts import RECEIPT_RETENTION
from django_jobqueue.store.retention import WORKER_RETENTION
from django_jobqueue.store.sqlite import SQLiteStore
from django_jobqueue.store.watching import FileChanges

#: Of the methods of the contract; None and empty collections are left out.
DEFAULTS: dict[str, dict[str, Any]] = {
    "__init__": {"suspects": False, "overtime": timedelta(minutes=2)},
    "cancel": {"reason": ""},
    "dedicated": {"prepared": True, "suspects": False, "overtime": timedelta(minutes=2)},
    "find_schedule": {"lock": False},
    "find_template": {"lock": False},
    "finish_and_claim": {"meanwhile": nothing},
    "fire_schedules": {"limit": 100},
    "health": {"count_limit": COUNT_LIMIT},
    "heartbeat": {"in_hand": tuple, "reconcile_after": timedelta(seconds=10)},
    "jobs_ahead": {"limit": COUNT_LIMIT},
    "limits": {"limit": COUNT_LIMIT},
    "limits_in_force": {"keys": True},
    "list_schedules": {"limit": COUNT_LIMIT},
    "list_templates": {"limit": COUNT_LIMIT},
    "overdue": {"limit": 500},
    "pause_queue": {"reason": ""},
    "pause_schedule": {"reason": ""},
    "promote": {"limit": 500},
    "prune": {"batch": 1000, "dry_run": False},
    "purge": {"reason": "", "dry_run": False},
    "queue_names": {"limit": COUNT_LIMIT},
    "release_of_dead_workers": {"limit": 500},
    "requeue": {"spacing": 0.0},
    "running_jobs": {"limit": COUNT_LIMIT},
    "sweep_batches": {"after": 0, "limit": 500},
    "sweep_waiting": {"after": 0, "limit": 500},
    "workers": {"living": True, "limit": COUNT_LIMIT},
}
FLAGS: dict[type[JobStore], set[str]] = {
    JobStore: set(),
    PostgreSQLStore: {"supports_notify", "supports_watermarks", "supports_dedicated_connection"},
    SQLiteStore: {"has_one_writer"},
}
METHODS = {
    name: method
    for name, method in getmembers(JobStore, isfunction)
    if name == "__init__" or not name.startswith("_")
}


def parameters_of(method: Callable[..., object]) -> dict[str, tuple[object, object]]:
    return {
        name: (parameter.kind, parameter.default)
        for name, parameter in signature(method).parameters.items()
    }


def test_the_contract_has_these_defaults():
    said = {
        name: {
            parameter.name: parameter.default
            for parameter in signature(method).parameters.values()
            if parameter.default not in (Parameter.empty, None, ())
        }
        for name, method in METHODS.items()
    }

    assert {name: defaults for name, defaults in said.items() if defaults} == DEFAULTS


@pytest.mark.parametrize("store", [PostgreSQLStore, SQLiteStore])
@pytest.mark.parametrize("name", METHODS)
def test_a_store_takes_what_the_contract_says_with_its_defaults(store, name: str):
    own = parameters_of(getattr(store, name))
    own.pop("session", None)  # of PostgreSQL alone: the connection that it works on

    assert own == parameters_of(METHODS[name])


@pytest.mark.parametrize("store", FLAGS)
def test_a_store_can_do_no_more_than_its_flags_say(store: type[JobStore]):
    flags = {
        name: getattr(store, name)
        for name in dir(JobStore)
        if isinstance(getattr(JobStore, name), bool)
    }

    assert flags == {name: name in FLAGS[store] for name in flags}
    assert flags.keys() >= FLAGS[store]


def test_an_sqlite_file_is_looked_at_a_hundred_times_a_second():
    assert FileChanges.LOOK_SECONDS == 0.01


def test_what_is_over_is_remembered_for_so_long_and_good_byes_are_brief():
    assert timedelta(days=8) == RECEIPT_RETENTION
    assert timedelta(days=1) == WORKER_RETENTION
    assert timedelta(seconds=2) == GOOD_BYE_LIMIT
