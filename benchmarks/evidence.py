"""Whether every job ran exactly once: asked before a figure is believed."""

from collections import Counter
from collections.abc import Iterable, Iterator

from django.db.models import Count, QuerySet

from django_jobqueue.models import ArchivedJob, DeadJob, Job

from .errors import BenchmarkFailed


class NotExactlyOnce(BenchmarkFailed):
    """Some job did not finish exactly once; the message says which of the checks found it."""


def check_exactly_once(jobs: int, *, calls: Iterable[int]) -> None:
    """Raise NotExactlyOnce unless each job, with arguments 0 to `jobs` - 1, ran and finished once.

    `calls` are the arguments that the handlers were called with, in any order.
    """
    archived = ArchivedJob.objects.aggregate(rows=Count("*"), ids=Count("id", distinct=True))
    wrong = [
        *_differs("archived", archived["rows"], jobs),
        *_differs("distinct ids in the archive", archived["ids"], jobs),
        *_differs("succeeded on the first attempt", _first_successes().count(), jobs),
        *_differs("left in the job table", Job.objects.count(), 0),
        *_differs("dead", DeadJob.objects.count(), 0),
        *_not_each_once("arguments in the archive", _archived_arguments(), jobs),
        *_not_each_once("calls of the handler", calls, jobs),
    ]
    if wrong:
        raise NotExactlyOnce(f"not every job ran exactly once: {'; '.join(wrong)}")


def check_those_that_ran(jobs: int, *, calls: Iterable[int]) -> None:
    """Raise NotExactlyOnce unless each of `calls`, the arguments that handlers were called with,
    ran and finished once, and all others of the `jobs` still wait.
    """
    called = Counter(calls)
    archived = Counter(_archived_arguments())
    wrong = [
        *_differs("archived more than once", sum(1 for n in archived.values() if n > 1), 0),
        *_differs(
            "called but not archived, or the other way round",
            len(called - archived) + len(archived - called),
            0,
        ),
        *_differs("succeeded on the first attempt", _first_successes().count(), len(archived)),
        *_differs("still waiting", Job.objects.filter(state="ready").count(), jobs - len(archived)),
        *_differs("dead", DeadJob.objects.count(), 0),
    ]
    if wrong:
        raise NotExactlyOnce(f"not every job ran exactly once: {'; '.join(wrong)}")


def _first_successes() -> QuerySet[ArchivedJob]:
    return ArchivedJob.objects.filter(state="succeeded", attempt=1)


def _archived_arguments() -> Iterator[int]:
    for payload in ArchivedJob.objects.values_list("payload", flat=True).iterator():
        numbers: list[int] = payload["args"] or [payload["kwargs"]["number"]]
        yield numbers[0]


def _differs(what: str, found: int, wanted: int) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: {found:,} instead of {wanted:,}"


def _not_each_once(what: str, found: Iterable[int], wanted: int) -> Iterator[str]:
    times = Counter(found)
    complaints = {
        "missing": set(range(wanted)) - times.keys(),
        "more than once": {number for number, count in times.items() if count > 1},
        "never enqueued": times.keys() - set(range(wanted)),
    }
    for complaint, numbers in complaints.items():
        if numbers:
            yield f"{what}: {len(numbers):,} {complaint}, such as {min(numbers)}"
