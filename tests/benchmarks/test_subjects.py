"""What is counted of other job queues, and when a figure of theirs is not believed."""

import json
import os
import subprocess
import sys
from argparse import Namespace
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from benchmarks import subject as module
from benchmarks.comparing import compare, table_of_comparison, trial
from benchmarks.environments import NotAvailable, python_of, redis_server
from benchmarks.evidence import NotExactlyOnce
from benchmarks.storages import OURS, jobqueue_subject, sqlite_storage
from benchmarks.subject import Pickups, Subject, rate_of
from benchmarks.subjects.calls import CALLS_FILE, Call, Calls, make_room

SCRIPTS = Path(module.__file__).parent / "subjects"
#: A job queue in one file: what waits is in lines, and what is wrong with it is in its URL.
SCRIPT = """
import os, pathlib, signal, sys, time
sys.path.insert(0, {scripts!r})
from calls import called
from script import main

FOLDER, _, FAULT = os.environ["SUBJECT_URL"].partition("#")
WAITING = pathlib.Path(FOLDER, "waiting")

class Lines:
    def install(self): WAITING.touch()
    def enqueue(self, number):
        with WAITING.open("a") as file: print(number, file=file)
    def enqueue_many(self, numbers):
        for number in numbers: self.enqueue(number)
    def work(self, tuning):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        ran = 0
        while True:
            lines = WAITING.read_text().split()
            for line in lines[ran:]:
                called(int(line))
                if FAULT == "twice": called(int(line))
            ran = len(lines)
            signal.sigtimedwait([signal.SIGUSR1], 0.01)
    def left(self): return 1 if FAULT == "unrecorded" else 0

if FAULT == "answers an hour later":
    enqueue, monotonic, late = Lines.enqueue, time.monotonic, []
    def enqueue_late(self, number):
        enqueue(self, number)
        late.append(3600)
    Lines.enqueue, time.monotonic = enqueue_late, lambda: monotonic() + sum(late)

if FAULT == "begins five with an hour each" and sys.argv[1] == "enqueue-each":
    enqueue, monotonic, begun = Lines.enqueue, time.monotonic, []
    def enqueue_counted(self, number):
        enqueue(self, number)
        begun.append(number)
    Lines.enqueue, time.monotonic = enqueue_counted, lambda: monotonic() - 3600 * (len(begun) < 5)

main(Lines())
"""


@pytest.fixture
def lines(tmp_path, monkeypatch):
    (tmp_path / "with_lines.py").write_text(SCRIPT.format(scripts=str(SCRIPTS)))
    monkeypatch.setattr(module, "SCRIPTS", tmp_path)

    def subject(*, fault: str = "") -> Subject:
        @contextmanager
        def storage():
            (tmp_path / "waiting").unlink(missing_ok=True)
            yield f"{tmp_path}#{fault}"

        return Subject(
            name="lines",
            python=Path(sys.executable),
            script="with_lines",
            storage=storage,
            tunings=(1,),
            tuned="nothing",
            idle_tuning=1,
            versions="",
        )

    return subject


def test_a_subject_is_measured_in_every_kind_of_work(lines):
    assert lines().drain(20, tuning=1) > 0
    assert lines().enqueue(5) > 0
    assert lines().enqueue_many(5) > 0
    assert len(lines().latency(2).others) == 2


def test_a_pickup_is_timed_from_the_call_of_the_enqueue(lines):
    first, _ = lines(fault="answers an hour later").latency(1)

    assert first >= 0


def test_a_process_that_enqueues_is_warm_when_its_jobs_begin_to_count(lines):
    hour = 3_600
    first, others = lines(fault="begins five with an hour each").latency(2)

    assert first >= 1_000 * hour
    assert max(others) < 1_000 * hour
    assert lines(fault="begins five with an hour each").enqueue(2) > 2 / hour


def test_the_end_of_who_enqueues_does_not_meet_the_pickup_of_the_last_job(lines, tmp_path):
    lines()
    done = subprocess.run(
        [sys.executable, tmp_path / "with_lines.py", "enqueue-each", "0", "1", "0", "0.2"],
        env={**os.environ, "SUBJECT_URL": str(tmp_path)},
        capture_output=True,
        check=True,
    )

    [called_at] = json.loads(done.stdout)["moments"]
    assert monotonic() - called_at >= 0.2


def test_a_trial_goes_on_until_it_has_taken_long_enough():
    counts = []

    def measure(count: int) -> float:
        counts.append(count)
        return 1_000.0 if count < 1_000 else 10_000.0

    assert trial(measure, most=50_000) == 10_000
    assert counts == [300, 2_000, 20_000]


def test_a_trial_takes_no_more_jobs_than_are_drained():
    counts = []

    assert trial(lambda count: counts.append(count) or 1e6, most=500) == 1e6
    assert counts == [300, 500]


def test_pickups_are_compared_round_by_round(lines, monkeypatch):
    rounds = {
        OURS: iter([Pickups(9.0, [1.0, 2.0]), Pickups(7.0, [1.0, 60.0]), Pickups(8.0, [2.0, 4.0])]),
        "lines": iter(
            [Pickups(5.0, [2.0, 8.0]), Pickups(5.0, [3.0, 6.0]), Pickups(5.0, [2.0, 6.0])]
        ),
    }
    monkeypatch.setattr(Subject, "latency", lambda subject, jobs: next(rounds[subject.name]))
    options = Namespace(jobs=20, count=2, bulk=5, pickups=2, runs=3, processes=[1])
    subjects = {name: replace(lines(), name=name) for name in rounds}

    found = compare(subjects, options=options)["latency"]["lines"]

    assert found["p50_runs"] == [2.0, 3.0, 2.0]
    assert (found["p50_ms"], found["p50_ratio"]) == (3.0, 2.0)  # 2, 3 and 1 times ours
    assert (found["p99_ms"], found["p99_ratio"]) == (8.0, 1.5)  # 4, 0.1 and 1.5 times ours
    assert (found["count"], found["first_ms"]) == (6, 5.0)


def test_a_comparison_tells_what_each_does_beside_this_project(lines):
    options = Namespace(jobs=20, count=2, bulk=5, pickups=2, runs=1, processes=[1])

    found = compare({OURS: lines(), "lines": lines()}, options=options)

    assert list(found["subjects"]) == [OURS, "lines"]
    for work in ("drain_1", "enqueue", "enqueue_many"):
        assert found[work][OURS]["ratio"] == 1
        assert found[work]["lines"]["jobs_per_second"] > 0
    assert found["latency"]["lines"]["count"] == 2
    assert found["latency"]["lines"]["first_ms"] > 0
    head, *rows = table_of_comparison(found)
    assert head[:4] == ("", "drain_1", "enqueue", "enqueue_many")
    assert head[4:] == ("pickup first", "pickup p50", "pickup p99")
    assert [row[0] for row in rows] == [OURS, "lines"]


@pytest.mark.acceptance
def test_this_project_is_measured_as_the_others_are():
    subject = jobqueue_subject(sqlite_storage)

    assert subject.drain(20, tuning=10) > 0
    assert len(subject.latency(1).others) == 1


def test_a_job_that_was_called_twice_is_found(lines):
    with pytest.raises(NotExactlyOnce, match=r"calls of a job: \{2: 3\}"):
        lines(fault="twice").drain(3, tuning=1)


def test_a_job_that_is_not_recorded_as_done_is_found(lines, monkeypatch):
    monkeypatch.setattr(module, "MOST_LOOKS", 2)

    with pytest.raises(NotExactlyOnce, match="1 jobs were called and are not recorded as done"):
        lines(fault="unrecorded").drain(3, tuning=1)


def test_calls_of_other_processes_are_seen_with_their_caller(tmp_path):
    file = str(tmp_path / "slots")
    Path(file).touch()
    make_room(file, numbers=3)
    subprocess.run(
        [sys.executable, "-c", "from calls import called; called(1)"],
        cwd=SCRIPTS,
        env={**os.environ, CALLS_FILE: file},
        check=True,
    )
    calls = Calls(file)

    assert [call.times for call in calls.all()] == [0, 1, 0]
    assert calls.all()[1].process not in (0, os.getpid())
    calls.close()


def test_a_rate_counts_from_when_every_process_had_begun():
    early = [Call(1, 1, float(second)) for second in range(10)]
    late = [Call(1, 2, 2.0 + second) for second in range(8)]

    assert rate_of([*early, *late]) == 2.0


def test_a_process_that_took_hardly_any_part_does_not_shorten_the_time():
    early = [Call(1, 1, float(second)) for second in range(11)]
    late = [Call(1, 2, 9.0)]

    assert rate_of([*early, *late]) == 1.1


def test_a_system_for_a_newer_python_than_there_is_is_left_out():
    with pytest.raises(NotAvailable, match=r"Python 9\.9"):
        python_of("with_nothing", requirements=["nothing"], minimum=(9, 9))


def test_a_system_that_needs_redis_is_left_out_where_there_is_none(monkeypatch):
    monkeypatch.setenv("PATH", "")

    with pytest.raises(NotAvailable, match="redis-server"), redis_server():
        pass
