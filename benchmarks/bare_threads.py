"""The process that `orm` starts beside the real worker: threads, and no queue."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django

from django_jobqueue.core.clock import monotonic


def main(file: str, jobs: str, threads: str) -> None:
    """Make every call, and write to the file how many seconds they took."""
    django.setup()
    from benchmarks.jobs import deposit

    with ThreadPoolExecutor(int(threads)) as pool:
        began = monotonic()
        list(pool.map(deposit, range(int(jobs))))
        took = monotonic() - began
    Path(file).write_text(str(took))


if __name__ == "__main__":
    main(*sys.argv[1:])
