"""Jobs that wait for others: chains stored, and swept for what no finish has followed."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from django_jobqueue.core.following import Followed, Swept
from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.core.states import JobState

from .connected import Row
from .inserting import InsertingStore


class FollowingStore(InsertingStore):
    """What became of a job is read from its record, so asking again changes nothing."""

    def insert_chain(
        self, jobs: Sequence[NewJob], *, now: datetime | None = None
    ) -> list[Inserted]:
        inserted: list[Inserted] = []
        with self.writing():
            for place, new in enumerate(jobs):
                link = msgspec.structs.replace(
                    new,
                    on_conflict="raise",
                    waits_for=inserted[-1].id if inserted else None,
                    has_next=place < len(jobs) - 1,
                )
                inserted.append(self.insert(link, now=now))
        return inserted

    def sweep_waiting(self, *, after: int = 0, limit: int = 500) -> Swept:
        rows = self.run("left_waiting", {"after": after, "limit": limit})
        ended = sorted({job_id for job_id, is_live_no_more in rows if is_live_no_more})
        return Swept(
            followed=tuple(self.follow(ended)) if ended else (),
            up_to=max(job_id for job_id, _ in rows) if len(rows) == limit else 0,
        )


def followed_of(rows: Iterable[Row]) -> list[Followed]:
    """Return the answer of a statement that followed."""
    return [
        Followed(id=job_id, handler=handler, queue=queue, state=JobState(state), batch_id=batch_id)
        for job_id, handler, queue, state, batch_id in rows
    ]
