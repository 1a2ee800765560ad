"""What a statement reads, as PostgreSQL itself reports it."""

import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
from django.apps import apps

_numbers = count()

#: Rows that a plan node looked at and threw away count as read.
REMOVED = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")


def without_dead_rows(connection: psycopg.Connection[Any]) -> None:
    """Write all tables and their indexes anew: what other tests have left would be read as well,
    and its statistics would choose the plans.
    """
    tables = ", ".join(model._meta.db_table for model in apps.get_models())
    connection.execute(f"VACUUM (FULL, ANALYZE) {tables}")


def add_living_worker(connection: psycopg.Connection[Any], worker_id: UUID) -> None:
    connection.execute(
        "INSERT INTO jobqueue_worker (id, lease_expires_at) VALUES (%s, now() + interval '1 h')",
        [worker_id],
    )


def nodes_of(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


def rows_read(plan: Mapping[str, Any]) -> int:
    """Return how many rows all nodes of the plan produced or threw away, loops counted."""
    return sum(
        int(
            (node["Actual Rows"] + sum(node.get(name, 0) for name in REMOVED))
            * node["Actual Loops"]
        )
        for node in nodes_of(plan)
    )


def buffers_of(plan: Mapping[str, Any]) -> int:
    """Return how many pages a whole statement looked at."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def buffers_of_looks(plan: Mapping[str, Any], *, index: str) -> int:
    """Return how many pages the looks into an index took, with the rows that they found; what is
    written because of them is not counted.
    """
    looks = [node for node in nodes_of(plan) if node.get("Index Name") == index]
    assert looks, "the index was not used"
    return sum(int(node["Shared Hit Blocks"] + node["Shared Read Blocks"]) for node in looks)


class Prepared:
    """A statement prepared under a name, as the pump's connection has it after some executions."""

    def __init__(self, connection: psycopg.Connection[Any], sql: str) -> None:
        self._cursor = psycopg.ClientCursor(connection)
        self._names: list[str] = []
        text = re.sub(r"%\((\w+)\)s", self._numbered, sql)
        self._name = f"measured_{next(_numbers)}"
        self._cursor.execute(f"PREPARE {self._name} AS {text}")

    def _numbered(self, match: re.Match[str]) -> str:
        name = match[1]
        if name not in self._names:
            self._names.append(name)
        return f"${self._names.index(name) + 1}"

    def execute(self, parameters: Mapping[str, object]) -> int:
        """Run it and take it back; return how many rows it answered."""
        self._cursor.execute("SAVEPOINT before")
        self._run("", parameters)
        count = self._cursor.rowcount
        self._cursor.execute("ROLLBACK TO before")
        return count

    def explain(self, parameters: Mapping[str, object]) -> Mapping[str, Any]:
        """Run it, take it back, and return its plan with actual figures."""
        self._cursor.execute("SAVEPOINT before")
        self._run("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)", parameters)
        [(answer,)] = self._cursor.fetchall()
        self._cursor.execute("ROLLBACK TO before")
        plan: Mapping[str, Any] = answer[0]["Plan"]
        return plan

    def _run(self, prefix: str, parameters: Mapping[str, object]) -> None:
        places = ", ".join(["%s"] * len(self._names))
        arguments = f"({places})" if places else ""
        values = [parameters[name] for name in self._names]
        self._cursor.execute(f"{prefix} EXECUTE {self._name} {arguments}", values)
