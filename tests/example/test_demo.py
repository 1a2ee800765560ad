"""`manage.py demo` as a user starts it: real processes, a database of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.db import connection

from example_project.census.demonstration.worker import WorkerFailed, running_worker
from example_project.census.places import CHECKOUT

pytestmark = pytest.mark.acceptance

FOLDERS = ("tests/example", "example_project/census/samples")


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of the vendor that the suite runs on."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path}/site.sqlite3"
        return
    import psycopg

    server, name = os.environ["DATABASE_URL"], f"demo_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as administration:
        administration.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            administration.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> Mapping[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tests.example.demo_settings",
        "CENSUS_REPORTS": str(tmp_path / "reports"),
    }


def demo(environment: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "demo", *options],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )


def counted(output: str) -> tuple[int, int]:
    [(archived, dead)] = re.findall(r"^(\d+) archived, (\d+) dead$", output, re.MULTILINE)
    return int(archived), int(dead)


def test_the_demonstration_counts_buries_and_publishes_again_and_again(
    environment: Mapping[str, str], tmp_path: Path
):
    options = [part for folder in FOLDERS for part in ("--folder", folder)]

    first = demo(environment, *options, "--limit", "12")

    assert first.returncode == 0, first.stderr
    archived, dead = counted(first.stdout)
    assert dead == 10
    assert f"{archived - 2} files in" in first.stdout
    for told in (
        "samples/latin1_without_saying_so.py: unprocessable",
        "samples/merge_conflict.py: discarded",
        "samples/link_to_removed_module.py: exhausted after 3 attempts",
        "SyntaxError: unknown encoding: utf-9",
        "user admin, password admin",
        "http://127.0.0.1:8000/admin/jobqueue/",
    ):
        assert told in first.stdout
    assert re.search(r"published on attempt ([2-9]|\d\d)", first.stdout)
    assert "100 %" in first.stderr

    second = demo(environment, *options, "--limit", "2")

    assert second.returncode == 0, second.stderr
    assert counted(second.stdout) == (4, 2)
    assert "user admin, who was there already" in second.stdout
    published = sorted(path.name for path in (tmp_path / "reports").iterdir())
    assert published == ["census-1.md", "census-2.md"]


def test_a_folder_outside_the_roots_is_refused_with_one_sentence(
    environment: Mapping[str, str],
):
    refused = demo(environment, "--folder", "/etc")

    assert refused.returncode == 1
    assert refused.stderr.startswith("CommandError: /etc is not below ")
    assert len(refused.stderr.splitlines()) == 1


def test_a_worker_that_ends_on_its_own_is_told_with_what_it_printed(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with (
        running_worker(["--no-such-option"]) as worker,
        pytest.raises(WorkerFailed, match="unrecognized arguments: --no-such-option"),
    ):
        worker.watch(60)
