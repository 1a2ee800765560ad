"""A child process as its supervisor sees it."""

import os
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from django_jobqueue.worker.children import ChildProcess
from django_jobqueue.worker.marks import StartedMarks
from django_jobqueue.worker.membership import Membership
from django_jobqueue.worker.messages import Begin


def begin(marks: StartedMarks) -> Begin:
    return Begin(
        settings_module="nowhere.settings",
        concurrency=1,
        async_concurrency=1,
        queues=[],
        strict=False,
        until_empty=False,
        suspects=False,
        max_jobs=None,
        max_memory_bytes=None,
        max_age_seconds=None,
        marks_fileno=marks.fileno,
        marks_slots=marks.slots,
    )


def start(**options: Any) -> ChildProcess:
    marks = StartedMarks.create(slots=2)
    return ChildProcess(
        "1",
        begin(marks),
        marks=marks,
        membership=Membership(lease=timedelta(seconds=30)),
        **{"lease_for": lambda child: None, **options},
        is_polling=lambda: None,
        changed=lambda: None,
        rescheduled=lambda: None,
        counted=lambda changes: None,
    )


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not tell")
class TestOneThatCannotBeStarted:
    def test_leaves_no_file_open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        before = open_files()

        with pytest.raises(FileNotFoundError):
            start()

        assert open_files() == before

    def test_leaves_no_process_behind(self) -> None:
        started: list[int] = []

        def refuse(child: ChildProcess) -> NoReturn:
            started.append(child.pid)
            raise RuntimeError("can't start new thread")

        before, threads = open_files(), threading.active_count()

        with pytest.raises(RuntimeError):
            start(lease_for=refuse)

        with pytest.raises(ChildProcessError):
            os.waitpid(started[0], os.WNOHANG)
        assert (open_files(), threading.active_count()) == (before, threads)
