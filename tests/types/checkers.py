"""The type checkers, run as a user runs them."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ENVIRONMENT = {
    **os.environ,
    # Where pyright finds what the package imports, also while it looks at nothing but the package.
    "PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")]),
    "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
}


def mypy(*arguments: str) -> str:
    return _output_of("mypy", *arguments)


def pyright(*arguments: str) -> str:
    return _output_of("pyright", "--pythonpath", sys.executable, *arguments)


def _output_of(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=_ENVIRONMENT,
    )
    assert done.returncode == 1, done.stdout + done.stderr  # it found something
    return done.stdout
