"""What handlers in processes do beside the database, one line per event, appended: it survives
whatever becomes of the process.
"""

import os
from pathlib import Path

JOURNAL = "JOBQUEUE_JOURNAL"


def note(line: str) -> None:
    """Append one line; the system writes it whole."""
    with Path(os.environ[JOURNAL]).open("a") as journal:
        journal.write(f"{line}\n")
