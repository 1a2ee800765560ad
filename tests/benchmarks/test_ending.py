"""A benchmark that is asked to end leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.children import ROOT
from benchmarks.processes import family
from tests.acceptance.processes import PATIENCE, within
from tests.chaos.trees import is_running, send

pytestmark = pytest.mark.acceptance

#: Both have a server and a worker of their own for longer than any test takes.
ENDLESS = [("idle", "--seconds", "3600"), ("all", "--only", "idle")]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the benchmark puts what it needs for a while, open to the user of its server."""
    with tempfile.TemporaryDirectory(prefix="jobqueue-ended-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.postgresql
@pytest.mark.parametrize("command", ENDLESS, ids=lambda command: command[0])
def test_its_server_and_its_workers_end_with_it(command, temporary):
    benchmark = subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *command],
        cwd=ROOT,
        env={**without_a_database(), "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
    )
    started: set[int] = set()

    def has_a_worker() -> bool:
        started.update(family(benchmark.pid), servers(temporary))
        return any(b"runjobs" in words_of(pid) for pid in started)

    try:
        assert within(2 * PATIENCE, has_a_worker)

        benchmark.terminate()

        assert benchmark.wait(2 * PATIENCE) == 128 + signal.SIGTERM
        assert within(PATIENCE, lambda: not any(map(is_running, started)))
        assert list(temporary.iterdir()) == []
    except BaseException:
        send(signal.SIGKILL, *started)
        raise


ASKED = """
import signal
from benchmarks.ending import end_in_order

signal.signal(signal.SIGHUP, signal.SIG_IGN)
end_in_order()
signal.raise_signal(signal.SIGHUP)
try:
    signal.raise_signal(signal.{first})
finally:
    signal.raise_signal(signal.{second})
    print("cleaned up")
"""


@pytest.mark.parametrize(("first", "second"), [("SIGINT", "SIGTERM"), ("SIGTERM", "SIGTERM")])
def test_a_second_request_does_not_disturb_what_the_first_ends(first, second):
    script = ASKED.format(first=first, second=second)

    done = subprocess.run(
        # A shell may have left SIGINT ignored for what runs in its background.
        [sys.executable, "-c", f"import signal; signal.signal(2, signal.SIG_DFL)\n{script}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout) == (128 + signal.Signals[first], "cleaned up\n")
    assert done.stderr == ""


ASKED_AS_A_PROCESS_BEGINS = """
import signal
import subprocess
import sys
from benchmarks import children, plan
from benchmarks.ending import end_in_order

# Whoever reads what this script prints to its end shall not wait for the sleeper's.
SLEEP = "import os, signal; os.closerange(0, 3); signal.alarm(60); signal.pause()"
SLEEPER = [sys.executable, "-c", SLEEP]
start = subprocess.Popen

def start_and_ask(*args, **options):
    process = start(*args, **options)
    print(process.pid)
    signal.raise_signal(signal.SIGTERM)
    return process

subprocess.Popen = start_and_ask
end_in_order()
{begin}
"""
BEGINNINGS = {
    "children": "children.started(SLEEPER, count=2).__enter__()",
    "of a plan": "plan._printed_by(SLEEPER)",
}


@pytest.mark.parametrize("begin", BEGINNINGS.values(), ids=BEGINNINGS)
def test_a_request_as_a_process_begins_ends_the_process_too(begin):
    script = ASKED_AS_A_PROCESS_BEGINS.format(begin=begin)

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)

    [started] = done.stdout.split()
    try:
        assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")
        assert not is_running(int(started))
    finally:
        send(signal.SIGKILL, int(started))


ENDED_AMID_A_STATEMENT = """
import sys
from benchmarks.databases import prepared_site

with prepared_site("postgresql"):
    from benchmarks.statements import statements_logged
    from django.db import connection

    with statements_logged():
        connection.connection.pgconn.send_query(b"SELECT 1")
        sys.exit(3)
"""


@pytest.mark.postgresql
def test_a_request_amid_a_statement_ends_what_was_begun_all_the_same(temporary):
    done = subprocess.run(
        [sys.executable, "-c", ENDED_AMID_A_STATEMENT],
        cwd=ROOT,
        env={**without_a_database(), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (3, "")
    assert list(temporary.iterdir()) == []


def without_a_database() -> dict[str, str]:
    """Return the environment, for a server of its own."""
    return {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}


def servers(temporary: Path) -> list[int]:
    """Return the PostgreSQL servers whose data are there, and what belongs to them."""
    files = temporary.glob("jobqueue-pg-*/data/postmaster.pid")
    ids = [word for file in files for word in file.read_text().split()[:1]]
    return [pid for word in ids for pid in family(int(word))]


def words_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []
