"""The same work on other job queues."""

from collections.abc import Callable, Sequence

from .charts import Bar
from .page import Body, Row, Section
from .results import Results

OURS = "django_jobqueue"
WORKS = {
    "drain_1": "drain, one worker, jobs/s",
    "drain_2": "drain, two workers, jobs/s",
    "enqueue": "enqueue one at a time, jobs/s",
    "enqueue_many": "enqueue many, jobs/s",
}
PICKUPS = {
    "p50_ms": "pickup p50, ms",
    "p99_ms": "pickup p99, ms",
    "first_ms": "first pickup, ms",
}

#: Of results that have the first pickup for itself; before, it was one of those that count.
WARM_UP = (
    "each round, five jobs went before those whose pickups count, from the same process to the "
    "same worker; the very first, for which that process connects, stands by itself (the median of "
    "the rounds)"
)


def _compared(name: str) -> Callable[[Results], Body]:
    def body(results: Results) -> Body:
        result = results[name]
        works = {work: head for work, head in WORKS.items() if work in result}
        waits = result["latency"]
        pickups = [one for one in PICKUPS if all(one in found for found in waits.values())]
        rows: list[Row] = [("", *works.values(), *(PICKUPS[one] for one in pickups))]
        for subject in result["subjects"]:
            rates = [result[work][subject]["jobs_per_second"] for work in works]
            rows.append((subject, *rates, *(waits[subject][one] for one in pickups)))
        bars = [
            Bar(label=subject, value=found["jobs_per_second"], is_ours=subject == OURS)
            for subject, found in result["drain_1"].items()
        ]
        told = [*_tunings(result["subjects"]), *_absent(result.get("absent", {}))]
        told += [WARM_UP] if "first_ms" in pickups else []
        told += _rounds(waits)
        return Body(
            table=rows, chart_title="No-op jobs per second, one worker", bars=bars, remarks=told
        )

    return body


def _tunings(subjects: Results) -> list[str]:
    return [
        f"{name}: {about['versions']}; {about['tuned']} {about['tuning']}; "
        f"{about['jobs']:,} jobs a drain"
        for name, about in subjects.items()
    ]


def _rounds(waits: Results) -> list[str]:
    return [
        f"{name}'s pickups of each round, ms: p50 {_listed(found['p50_runs'])}; "
        f"p99 {_listed(found['p99_runs'])}"
        for name, found in waits.items()
        if "p99_runs" in found
    ]


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _absent(absent: Results) -> list[str]:
    return [f"{name} was left out: {why}" for name, why in absent.items()]


SECTIONS = (
    Section(
        name="sqlite",
        heading="SQLite, beside huey",
        text="""The same handler in one worker of each, huey's with as many threads as trials found
        best. huey's SQLite storage leaves syncing to the system here, which is its fastest setting;
        this project writes its log with `synchronous = NORMAL`. huey keeps neither an archive nor a
        claim: a task that its worker was running when it died is gone.""",
        needs=("sqlite",),
        body=_compared("sqlite"),
    ),
    Section(
        name="peers",
        heading="Other job queues",
        text="""Each in a virtual environment of its own, in interleaved rounds of one run, at the
        value of its one setting that trials found best (each value is tried twice, for two seconds
        or as many jobs as are drained; the better time counts); the slow ones get fewer jobs. All
        run the same handler, which notes its call and returns: for pgqueuer and procrastinate as a
        coroutine, which is their faster kind, for the others as a function. All but Celery keep
        their jobs on the same PostgreSQL server with its default durability, in tables that are
        logged. The
        rate is that of handler calls, from when every process had begun to the last call: the claim
        of the first batch is left out, which with 50,000 jobs is worth up to four percent to
        batches of 2,000. A pickup is timed from the call of the enqueue to the handler, in an idle
        worker: pgqueuer's notification leaves with the commit, and its handlers begin before the
        commit is answered. A job that was called twice or never, or is not recorded as done, would
        fail the run. They do not promise the same: Redis acknowledges before anything is on disk,
        django-tasks-db retries nothing, pgqueuer keeps a log and no archive of its jobs.""",
        needs=("peers",),
        body=_compared("peers"),
    ),
    Section(
        name="pgqueuer",
        heading="Beside the quickest of them",
        text="""The same beside pgqueuer alone, in more rounds, which follow each other sooner: of
        systems that are near each other the ratio is only as good as the minutes that they share.
        The bounds of pickups are kept by the median of what the rounds give, as every ratio is; the
        table has all rounds together, where a single slow minute may be the slowest hundredth.""",
        needs=("pgqueuer",),
        body=_compared("pgqueuer"),
    ),
)
