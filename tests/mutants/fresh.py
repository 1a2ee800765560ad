"""Mutants that show only when a module is imported, each in an interpreter that has not done so.

A fork of this process, which has imported the tools but nothing of the package, is as good as a new
interpreter, and half as slow.
"""

import atexit
import gc
import os
from collections.abc import Mapping, Sequence

from .forks import SURVIVED, verdict_of_fork
from .mutant import Mutant
from .planting import plant_in_imports

LONGEST_SECONDS = 300.0
#: What a test run imports before it comes to the package.
TOOLS = (
    "django.contrib.admin.sites",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.test.client",
    "freezegun",
    "hypothesis.stateful",
    "pytest_django.plugin",
)


def import_tools() -> None:
    for name in TOOLS:
        __import__(name)
    gc.freeze()  # pytest collects garbage at its end, in each fork


def verdict_in_fresh_interpreter(
    mutant: Mutant | None,
    *,
    tests: Sequence[str],
    left_out: Sequence[str] = (),
    environment: Mapping[str, str],
) -> str:
    """Run these test files, but for some tests, against the package with its fault."""

    def attempt() -> list[int]:
        import pytest

        os.environ.update(environment)
        if mutant is not None:
            plant_in_imports(mutant)
        plugins = ["-p", "no:randomly", "-p", "no:cacheprovider", "-p", "tests.mutants.quick"]
        # What rewrites assertions would import the package itself, without the fault: it has a
        # plugin of pytest.
        plugins += ["--assert=plain"]
        deselected = [f"--deselect={test}" for test in left_out]
        # The tools are imported already, which says nothing of their tests.
        ignored = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        status = pytest.main(["-x", "-q", *plugins, *ignored, *deselected, *tests])
        atexit._run_exitfuncs()
        return [] if status == pytest.ExitCode.OK else [0]

    return verdict_of_fork(attempt, seconds=LONGEST_SECONDS)[0] if tests else SURVIVED
