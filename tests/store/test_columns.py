"""Finishing moves a row between tables: their columns and the statements must agree."""

import re

import pytest

from django_jobqueue.models import ArchivedJob, DeadJob, Job
from django_jobqueue.models.base import JobRecord
from django_jobqueue.store import sql

SHARED = {field.column for field in JobRecord._meta.get_fields()}
HISTORIES = {"archive": ArchivedJob, "bury": DeadJob}


def columns_of(model: type) -> set[str]:
    return {field.column for field in model._meta.get_fields()}


@pytest.mark.parametrize("model", [Job, ArchivedJob, DeadJob])
def test_every_job_table_has_the_shared_columns(model: type) -> None:
    assert columns_of(model) >= SHARED


@pytest.mark.parametrize("name", HISTORIES)
def test_the_move_names_every_column_of_its_target(name: str) -> None:
    model = HISTORIES[name]
    text = sql.load("postgresql", name)

    target = re.search(rf"INSERT INTO {model._meta.db_table} \((.*?)\)", text, re.DOTALL)

    assert target is not None
    assert {column.strip() for column in target[1].split(",")} == columns_of(model)


@pytest.mark.parametrize("model", [Job, ArchivedJob, DeadJob])
def test_every_column_has_a_database_default_or_may_be_null(model: type) -> None:
    bare = [
        field.column
        for field in model._meta.get_fields()
        if not (field.null or field.primary_key or field.has_db_default())
    ]

    assert bare == []
