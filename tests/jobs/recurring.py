"""Handlers that recur, declared once for all tests; in a registry of the tests' own."""

from dataclasses import dataclass

from django_jobqueue import job


@job(name="tests.report", queue="reports", priority=4, schedulable=True)
def report(week: int, *, detailed: bool = False) -> str:
    return f"{week} {detailed}"


@job(name="tests.tidy")
@dataclass
class Tidy:
    folder: str

    def run(self) -> None: ...
