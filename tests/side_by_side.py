"""The suite on SQLite, and on PostgreSQL at the same time: `python -m tests.side_by_side`.

Most of the time of either run is waiting, for other processes and for databases. They share the
machine and nothing else. What they print is told line by line, with the name of the database.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

PYTEST = (sys.executable, "-u", "-m", "pytest")
RUNS: Mapping[str, Sequence[str]] = {
    "sqlite": PYTEST,
    "postgresql": (sys.executable, "-m", "tests.postgresql_server", *PYTEST),
}


def _run(name: str, command: Sequence[str]) -> int:
    environment = {**os.environ, **({"DATABASE_URL": ""} if name == "sqlite" else {})}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(f"{name:10} | {line}")
            sys.stdout.flush()
    return process.returncode


def main(arguments: Sequence[str]) -> int:
    """Run both with these arguments of pytest; 0 if both have passed."""
    with ThreadPoolExecutor(len(RUNS)) as pool:
        runs = {name: pool.submit(_run, name, [*run, *arguments]) for name, run in RUNS.items()}
    failed = [name for name, run in runs.items() if run.result() != 0]
    sys.stdout.write(f"failed on {' and '.join(failed)}\n" if failed else "passed on both\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
