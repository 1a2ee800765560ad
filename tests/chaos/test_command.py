"""The command of a storm, for a few seconds, with one of every fault: a server of its own, too."""

import json
import os
import subprocess
import sys

import pytest

from .fleet import ROOT
from .server import SECONDS

pytestmark = [pytest.mark.chaos, pytest.mark.postgresql, pytest.mark.timeout(4 * SECONDS)]


def test_one_of_every_fault_and_a_server_that_crashes_twice_lose_nothing() -> None:
    sizes = {"--jobs": 150, "--seconds": 6, "--doomed": 0, "--seed": 3}
    options = [str(word) for pair in sizes.items() for word in pair]
    told = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *options, "--processes", "1", "0"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": ""},
        capture_output=True,
        text=True,
        timeout=3 * SECONDS,
    )

    assert told.returncode == 0, told.stdout + told.stderr
    figures = json.loads(told.stdout)
    assert figures["passed"]
    assert figures["database_restarts"] == 2
    assert figures["verdict"]["succeeded"] > 0
