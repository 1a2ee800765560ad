"""The suite on SQLite, and on PostgreSQL at the same time: `python -m tests.side_by_side`.

Most of the time of either run is waiting, for other processes and for databases. They share the
machine and nothing else. What they print is told line by line, with the name of the database; what
failed is told once more at the end, where the longer run has not buried it.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

PYTEST = (sys.executable, "-u", "-m", "pytest")
RUNS: Mapping[str, Sequence[str]] = {
    "sqlite": PYTEST,
    "postgresql": (sys.executable, "-m", "tests.postgresql_server", *PYTEST),
}
# The heading of a failed test, what was expected and where, and pytest's own summary.
OF_FAILURES = re.compile(r"_{3,} .* _{3,}$|E  |\S+\.py:\d+: |FAILED |ERROR |=+ .*\bin [\d.]+s")


def _run(name: str, command: Sequence[str]) -> tuple[int, list[str]]:
    environment = {**os.environ, **({"DATABASE_URL": ""} if name == "sqlite" else {})}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        of_failures = []
        for line in process.stdout:
            told = f"{name:10} | {line}"
            sys.stdout.write(told)
            sys.stdout.flush()
            if OF_FAILURES.match(line):
                of_failures.append(told)
    return process.returncode, of_failures


def main(arguments: Sequence[str]) -> int:
    """Run both with these arguments of pytest; 0 if both have passed."""
    with ThreadPoolExecutor(len(RUNS)) as pool:
        runs = {name: pool.submit(_run, name, [*run, *arguments]) for name, run in RUNS.items()}
    results = {name: run.result() for name, run in runs.items()}
    failed = {name: of for name, (status, of) in results.items() if status != 0}
    for of_failures in failed.values():
        sys.stdout.writelines(of_failures)
    sys.stdout.write(f"failed on {' and '.join(failed)}\n" if failed else "passed on both\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
