"""The literal column lists of the statements agree with the models; every statement is in use."""

import re
from pathlib import Path

import pytest

from django_jobqueue import store
from django_jobqueue.core.specs import ClaimedJob, NewJob
from django_jobqueue.models.base import JobRecord
from django_jobqueue.store import sql
from django_jobqueue.store.inserting import OWN_COLUMNS

VENDORS = ("postgresql", "sqlite")
SHARED = {field.column for field in JobRecord._meta.fields}
#: What decides where a new job goes or what it has, and is not stored as it is.
NOT_STORED = {"delay", "max_attempts_is_default", "unique_for", "on_conflict"}
FOLDER = Path(sql.__file__).parent


def inserted_columns(text: str, *, into: str) -> set[str]:
    [columns] = re.findall(rf"INSERT INTO {into} \((.*?)\)", text, re.DOTALL)
    return {column.strip() for column in columns.split(",")}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("name", "table", "own"),
    [
        ("archive", "jobqueue_archivedjob", {"id", "state", "finished_at"}),
        ("bury", "jobqueue_deadjob", {"id", "reason", "finished_at"}),
    ],
)
def test_a_move_takes_every_column_along(vendor: str, name: str, table: str, own: set[str]) -> None:
    columns = inserted_columns(sql.load(vendor, name), into=table)

    assert columns - {"state"} == (SHARED | own) - {"state"}


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_insert_stores_every_option_of_a_new_job(vendor: str) -> None:
    of_one = inserted_columns(sql.load(vendor, "insert_one"), into="jobqueue_job")
    of_many = inserted_columns(sql.insert(vendor, OWN_COLUMNS), into="jobqueue_job")

    stored = {*NewJob.__struct_fields__, "state", "ready_at", "created_at"} - NOT_STORED
    assert of_one == of_many == stored


def fields_named_in(answer: str) -> list[str]:
    """Fields of a claimed job, in the order in which the columns of an answer name them."""
    named = re.findall(r"\b[a-z_]+\b", answer)
    as_fields = ["is_expired" if name == "expires_at" else name for name in named]
    return [name for name in dict.fromkeys(as_fields) if name in ClaimedJob.__struct_fields__]


def test_a_claim_on_postgresql_answers_in_the_order_of_a_claimed_job() -> None:
    returned = sql.load("postgresql", "claim").rpartition("RETURNING")[2]

    # Its token and its worker were told.
    assert fields_named_in(returned.replace("::text", "")) == [*ClaimedJob.__struct_fields__][:-2]


def test_a_claim_on_sqlite_answers_in_the_order_of_a_claimed_job() -> None:
    facts = sql.load("sqlite", "claimed_facts").partition("\nFROM")[0]
    added = ("unreadable", "claim_token", "worker_id")

    assert fields_named_in(facts.replace("clock,", "claimed_at,", 1)) == [
        name for name in ClaimedJob.__struct_fields__ if name not in added
    ]


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_overdue_is_told_in_the_order_of_a_claimed_job(vendor: str) -> None:
    overdue = sql.load(vendor, "overdue").partition("SELECT")[2].rpartition("\nFROM")[0]

    assert fields_named_in(overdue.replace("::text", "")) == [
        name
        for name in ClaimedJob.__struct_fields__
        if vendor == "postgresql" or name != "unreadable"
    ]


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_statement_is_loaded_somewhere(vendor: str) -> None:
    modules = "".join(path.read_text() for path in Path(store.__file__).parent.rglob("*.py"))
    names = {path.stem for path in (FOLDER / vendor).glob("*.sql")}

    assert {name for name in names if f'"{name}"' not in modules} == set()


def test_a_statement_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        sql.load("sqlite", "no_such_statement")


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_statement_is_that_of_its_file_unless_something_else_is_asked_for(vendor: str) -> None:
    assert sql.claim(vendor, suspects=False) == sql.load(vendor, "claim")
    assert sql.pick(vendor, suspects=False) == sql.load(vendor, "pick")
    assert sql.ready_queues(vendor) == sql.load(vendor, "ready_queues")
