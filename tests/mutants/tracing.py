"""Which test reaches which line, and which statement."""

import gc
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import _lru_cache_wrapper, cache
from types import FrameType

from .mutant import PACKAGE

_PREFIX = f"{PACKAGE}/"


class Reached:
    """What every test has run, by its place in the order of the run."""

    def __init__(self) -> None:
        from django_jobqueue.store.sql import load

        self._lines: dict[tuple[str, int], set[int]] = defaultdict(set)
        self.statements: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._counted: dict[str, Counter[int]] = {}
        self._test = 0
        self._load = load.__wrapped__.__code__

    @contextmanager
    def by(self, test: int) -> Iterator[None]:
        """Note what runs, in any thread, under the number of this test."""
        forget_answers()
        self._test = test
        threading.settrace(self._called)
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]

    def of_line(self, file: str, line: int) -> set[int]:
        return self._lines[_PREFIX + file, line]

    def lines_of(self, file: str) -> Counter[int]:
        """How many lines of it each test ran, of those that ran any; the import counts for none."""
        if file not in self._counted:
            self._counted[file] = Counter(
                test
                for (filename, _), tests in self._lines.items()
                if filename == _PREFIX + file
                for test in tests
            )
        return self._counted[file]

    # Called for every line that the tests run: nothing is looked up that need not be.

    def _called(self, frame: FrameType, event: str, argument: object) -> object:
        code = frame.f_code
        if not code.co_filename.startswith(_PREFIX):
            return None
        if code is self._load:
            known = frame.f_locals
            self.statements[known["vendor"], known["name"]].add(self._test)
        return self._ran

    def _ran(self, frame: FrameType, event: str, argument: object) -> object:
        self._lines[frame.f_code.co_filename, frame.f_lineno].add(self._test)
        return self._ran


def forget_answers() -> None:
    """Empty the caches of the package: an answer from before the fault would hide it."""
    for cached in _caches():
        cached.cache_clear()


@cache
def _caches() -> list[_lru_cache_wrapper]:
    """Found once, when all tests are collected: it looks at every object that there is."""
    return [
        found
        for found in gc.get_objects()
        if isinstance(found, _lru_cache_wrapper)
        and str(found.__module__).startswith("django_jobqueue")
    ]
