"""Storages for one measurement each, and this project as one of the systems that are compared."""

import os
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from django_jobqueue import __version__, conf

from .subject import Subject

OURS = "django_jobqueue"
Storage = Callable[[], AbstractContextManager[str]]


@contextmanager
def postgresql_storage() -> Iterator[str]:
    """Yield the URL of a fresh database on the server of DATABASE_URL."""
    server = os.environ["DATABASE_URL"]
    name = f"jobqueue_subject_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as maintenance:
        maintenance.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            maintenance.execute(drop)


@contextmanager
def sqlite_storage() -> Iterator[str]:
    """Yield the URL of a file that does not exist yet."""
    with tempfile.TemporaryDirectory(prefix="jobqueue-subject-") as folder:
        yield f"sqlite:///{folder}/jobs.sqlite3"


def jobqueue_subject(storage: Storage) -> Subject:
    """Return this project in its default settings."""
    concurrency = conf.current().concurrency
    return Subject(
        name=OURS,
        python=Path(sys.executable),
        script="with_django_jobqueue",
        storage=storage,
        tunings=(concurrency,),
        tuned="concurrency",
        idle_tuning=concurrency,
        versions=f"django-jobqueue {__version__}, django {version('django')}",
    )
