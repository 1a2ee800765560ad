"""The same work on other Python job queues: each in an environment of its own, at its best
documented settings, in interleaved rounds.
"""

from argparse import Namespace
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass

from .comparing import DRAIN_SECONDS, compare, table_of_comparison
from .environments import NEWEST_PYTHON, NotAvailable, python_of, redis_server, versions_of
from .report import Report, progress
from .storages import OURS, Storage, jobqueue_subject, postgresql_storage
from .subject import GAP, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What is to be installed, and what may be tuned."""

    script: str
    requirements: tuple[str, ...]
    packages: tuple[str, ...]
    tuned: str
    tunings: tuple[int, ...]
    #: Of an idle worker.
    idle_tuning: int
    minimum: tuple[int, int] = (3, 11)
    needs_redis: bool = False


PEERS: Mapping[str, Peer] = {
    "pgqueuer": Peer(
        script="with_pgqueuer",
        requirements=("pgqueuer[asyncpg]==1.6.*", "uvloop"),
        packages=("pgqueuer", "asyncpg", "uvloop"),
        tuned="batch_size",
        tunings=(10, 100, 500, 1000, 2000),
        idle_tuning=10,
    ),
    "procrastinate": Peer(
        script="with_procrastinate",
        requirements=("procrastinate==3.10.*", "psycopg[binary]"),
        packages=("procrastinate", "psycopg"),
        tuned="concurrency",
        tunings=(1, 10, 30, 100),
        idle_tuning=10,
    ),
    "django-tasks-db": Peer(
        script="with_django_tasks_db",
        requirements=("django-tasks-db[compat]==0.13.*", "psycopg[binary]"),
        packages=("django-tasks-db", "django", "psycopg"),
        tuned="one at a time",
        tunings=(1,),
        idle_tuning=1,
    ),
    "django-ox": Peer(
        script="with_django_ox",
        requirements=("django-ox==1.9.*", "psycopg[binary]"),
        packages=("django-ox", "django", "psycopg"),
        tuned="concurrency",
        tunings=(1, 4, 10),
        idle_tuning=10,
        minimum=NEWEST_PYTHON,
    ),
    "Celery with Redis": Peer(
        script="with_celery",
        requirements=("celery[redis]==5.7.*",),
        packages=("celery", "redis"),
        tuned="processes",
        tunings=(1, 2, 4),
        idle_tuning=2,
        needs_redis=True,
    ),
}


def run(options: Namespace) -> Report:
    """Measure each that is available; NotExactlyOnce if one lost or repeated a job."""
    with ExitStack() as stack:
        subjects, absent = _subjects(stack, options)
        found = compare(subjects, options=options)
    for name, why in absent.items():
        progress(f"{name} is left out: {why}")
    return Report(
        title="peers: the same work on other job queues, each in an environment of its own",
        figures={"benchmark": "peers", "database": options.database, **found, "absent": absent},
        settings={"drain_seconds": DRAIN_SECONDS, "gap_seconds": GAP},
        table=table_of_comparison(found),
    )


def _subjects(stack: ExitStack, options: Namespace) -> tuple[dict[str, Subject], dict[str, str]]:
    """Return those that are available, and why others are not."""
    subjects, absent = {OURS: jobqueue_subject(postgresql_storage)}, dict[str, str]()
    for name, peer in PEERS.items():
        if options.only and name not in options.only:
            continue
        try:
            subjects[name] = _subject(name, peer, stack, newer=options.newer_python)
        except NotAvailable as missing:
            absent[name] = str(missing)
    return subjects, absent


def _subject(name: str, peer: Peer, stack: ExitStack, *, newer: str | None) -> Subject:
    python = python_of(
        peer.script, requirements=peer.requirements, minimum=peer.minimum, newer=newer
    )
    return Subject(
        name=name,
        python=python,
        script=peer.script,
        storage=_kept(stack.enter_context(redis_server()))
        if peer.needs_redis
        else postgresql_storage,
        tunings=peer.tunings,
        tuned=peer.tuned,
        idle_tuning=peer.idle_tuning,
        versions=versions_of(python, peer.packages),
    )


def _kept(url: str) -> Storage:
    """Of what each measurement empties for itself."""
    return lambda: nullcontext(url)
