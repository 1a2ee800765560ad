"""The same work on SQLite: beside huey, whose SQLite storage is the best known in Python."""

from argparse import Namespace

from .comparing import DRAIN_SECONDS, compare, table_of_comparison
from .environments import python_of, versions_of
from .report import Report
from .storages import OURS, jobqueue_subject, sqlite_storage
from .subject import GAP, Subject


def run(options: Namespace) -> Report:
    """Measure both; NotExactlyOnce if one lost or repeated a job."""
    found = compare(
        {OURS: jobqueue_subject(sqlite_storage), "huey": _huey()},
        options=Namespace(**vars(options), processes=[1]),
    )
    return Report(
        title="sqlite: the same work on huey's SQLite storage, in an environment of its own",
        figures={"benchmark": "sqlite", "database": "sqlite", **found},
        settings={"drain_seconds": DRAIN_SECONDS, "gap_seconds": GAP},
        table=table_of_comparison(found),
    )


def _huey() -> Subject:
    python = python_of("with_huey", requirements=["huey==3.5.*"])
    return Subject(
        name="huey",
        python=python,
        script="with_huey",
        storage=sqlite_storage,
        tunings=(1, 2, 4, 10),
        tuned="threads",
        idle_tuning=1,
        versions=versions_of(python, ["huey"]),
    )
