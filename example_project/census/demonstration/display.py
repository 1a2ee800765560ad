"""A progress bar: one line drawn again and again on a terminal, a line for each step elsewhere."""

from typing import TextIO

from example_project.census.progress import Progress

WIDTH = 32
_STEP = 10  #: percent between two lines where there is no terminal


class ProgressBar:
    """Shows how far a census has come; `close()` when it is over."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._shown = -_STEP

    def show(self, progress: Progress) -> None:
        """Draw the progress, if there is something new to draw."""
        if self._is_terminal:
            self._stream.write(f"\r{_drawn(progress)}\x1b[K")
        elif progress.percent >= self._shown + _STEP:
            self._shown = progress.percent - progress.percent % _STEP
            self._stream.write(f"{_counted(progress)}\n")
        self._stream.flush()

    def close(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            self._stream.write("\n")
            self._stream.flush()


def _drawn(progress: Progress) -> str:
    full = WIDTH * progress.percent // 100
    return f"[{'#' * full}{'.' * (WIDTH - full)}] {_counted(progress)}"


def _counted(progress: Progress) -> str:
    counted = f"{progress.finished:,} of {progress.total:,} jobs"
    return f"{progress.percent:3} %  {counted}, {progress.dead:,} dead"
