"""A history that is followed tells what runs, and whose job runs twice."""

from pathlib import Path

from .history import Event, History
from .watching import Watch


def test_a_run_is_open_from_its_start_to_its_end_or_its_process_end(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    watch = Watch(tmp_path / "history")
    assert watch.runs_in({1, 2}) == 0

    for job in (1, 2):
        history.note(Event(event="start", job=job, token="a", pid=1))
    history.note(Event(event="start", job=3, token="a", pid=2))
    assert (watch.runs_in({1}), watch.runs_in({1, 2})) == (2, 3)

    history.note(Event(event="end", job=1, token="a", pid=1))
    history.note(Event(event="gone", pid=2))
    assert watch.runs_in({1, 2}) == 1
    history.close()


def test_two_runs_of_one_job_in_two_processes_have_met(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    watch = Watch(tmp_path / "history")
    history.note(Event(event="start", job=1, token="a", pid=1))
    history.note(Event(event="start", job=2, token="b", pid=2))
    assert not watch.has_met({1})

    history.note(Event(event="start", job=1, token="c", pid=2))
    assert watch.has_met({1})
    assert not watch.has_met({1, 2})
    history.close()
