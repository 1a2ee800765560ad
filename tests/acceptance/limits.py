"""`python -m tests.acceptance.limits`: jobs under a limit of 3 across worker processes,
of which some are killed; prints as JSON how many were leased at once. Status 1 if they were more.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from django_jobqueue.core.clock import monotonic

from .kills import site


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.limits", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--jobs", type=int, default=400)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--patience", type=float, default=300.0, help="seconds")
    return parser


def main(arguments: list[str]) -> int:
    options = command_line().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, site(options.database, Path(folder)) as url:
        # Imported only now: models can be imported once Django is set up.
        from .limited import JOB_SECONDS, LIMIT, most_at_once
        from .processes import Deployment

        began = monotonic()
        most = most_at_once(
            Deployment(url=url, folder=Path(folder)),
            jobs=options.jobs,
            kills=options.kills,
            processes=options.processes,
            patience=options.patience,
        )
        found = {
            "jobs": options.jobs,
            "kills": options.kills,
            "limit": LIMIT,
            "most_leased": most,
            "seconds": round(monotonic() - began, 1),
            "seconds_at_least": options.jobs * JOB_SECONDS / LIMIT,
        }
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return int(most > LIMIT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
