"""The history holds whole lines, whoever writes and however it ends."""

import threading
from pathlib import Path

from .history import Event, History, read


def test_an_event_comes_back_with_the_time_and_the_process(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    history.note(Event(event="start", job=7, number=3, token="t", worker="w", attempt=1))
    history.note(Event(event="gone", pid=4711))
    history.close()

    start, gone = read(tmp_path / "history")
    assert (start.event, start.job, start.number, start.token) == ("start", 7, 3, "t")
    assert (start.worker, start.attempt) == ("w", 1)
    assert start.pid > 0
    assert "+00:00" in start.wall
    assert gone.pid == 4711
    assert start.mono <= gone.mono


def test_writers_of_one_file_do_not_mix_their_lines(tmp_path: Path) -> None:
    path, together = tmp_path / "history", threading.Barrier(4)

    def write(job: int) -> None:
        history = History(path)
        together.wait(10)
        for number in range(200):
            history.note(Event(event="effect", job=job, number=number))
        history.close()

    writers = [threading.Thread(target=write, args=(job,)) for job in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)

    events = read(path)
    for job in range(4):
        assert [one.number for one in events if one.job == job] == list(range(200))
