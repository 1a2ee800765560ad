"""`python -m tests.acceptance.batch_kills`: run a batch of 10,000 members, every tenth a chain of
two, while its workers are killed, and tell as JSON what became of it. Status 1 if its end did not
come exactly once, after the last member.
"""

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django_jobqueue.core.clock import monotonic

from .kills import site

if TYPE_CHECKING:
    from django_jobqueue import BatchHandle

    from .processes import Deployment, Process

WORKERS = 2


def batch_under_kills(
    deployment: "Deployment", *, members: int, kills: int, patience: float
) -> dict[str, Any]:
    """Return what became of the batch; `ends` is 1 and `too_early` 0 if all is well."""
    from django_jobqueue import Batch, chain
    from django_jobqueue.models import ArchivedJob

    from .jobs import tell_end, work
    from .processes import within

    calls = [work.s(number) for number in range(members)]
    batch = Batch(on_finish=tell_end.using(result_as="batch_id").s()).enqueue(
        chain(call, call) if place % 10 == 0 else call for place, call in enumerate(calls)
    )
    mine = ArchivedJob.objects.filter(batch_id=batch.id)
    workers = [deployment.worker() for _ in range(WORKERS)]
    for kill in range(kills):
        share = members * (kill + 1) // (kills + 1)
        assert within(patience, lambda so_far=share: mine.count() >= so_far), workers[-1].output
        workers.pop(0).kill_with_children()
        workers.append(deployment.worker())
    return _told_of(batch, workers, deployment=deployment, patience=patience)


def _told_of(
    batch: "BatchHandle",
    workers: "list[Process]",
    *,
    deployment: "Deployment",
    patience: float,
) -> dict[str, Any]:
    from django_jobqueue.models import ArchivedJob

    from .processes import within

    mine = ArchivedJob.objects.filter(batch_id=batch.id)
    ends = ArchivedJob.objects.filter(handler="acceptance.tell_end")
    assert within(patience, ends.exists), workers[-1].output
    for worker in workers:  # so that no second end is on its way
        worker.send(signal.SIGTERM)
        worker.status()
    last, found = mine.latest("finished_at").finished_at, batch.snapshot
    told = [line.split() for line in deployment.journal if line.startswith("ended")]
    return {
        "members": found.total,
        "succeeded": found.succeeded,
        "finished": found.is_finished,
        "ends": ends.count(),
        # Not in a query: SQLite compares texts, and of one time as the ORM writes it, with six
        # digits, and as a statement has written it, with three, the shorter comes first.
        "too_early": sum(enqueued < last for enqueued in ends.values_list("created_at", flat=True)),
        "seen_alive": sum(int(alive) for _, _, alive in told),
    }


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.acceptance.batch_kills", description=__doc__
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=5)
    return parser


def main(arguments: list[str]) -> int:
    given = command_line().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory() as name, site(given.database, Path(name)) as url:
        from .processes import Deployment

        deployment, began = Deployment(url=url, folder=Path(name)), monotonic()
        try:
            facts = {"members": given.members, "kills": given.kills, "patience": 600.0}
            found = batch_under_kills(deployment, **facts)
        finally:
            for process in deployment.processes:
                process.kill()
    told = {**vars(given), **found, "seconds": round(monotonic() - began, 1)}
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    expected = (given.members + -(-given.members // 10), 1, 0, 0)
    return 0 if (told["succeeded"], *map(told.get, _ONCE)) == expected else 1


_ONCE = ("ends", "too_early", "seen_alive")

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
