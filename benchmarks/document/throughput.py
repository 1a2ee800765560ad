"""How much is done: drains of every kind, and enqueueing."""

from collections.abc import Callable

from .charts import Bar
from .page import Body, Row, Section
from .results import Figures, Results

RATES_HEAD = ("jobs/s", "ratio", "rounds")


def rates_of(name: str, *, chart: str, key: str = "rates") -> Callable[[Results], Body]:
    """Return the body of a result that has a rate for each of its subjects."""

    def body(results: Results) -> Body:
        rates = results[name][key]
        rows: list[Row] = [("", *RATES_HEAD)]
        for subject, found in rates.items():
            rows.append((subject, found["jobs_per_second"], found["ratio"], _rounds(found)))
        bars = [Bar(label=each, value=found["jobs_per_second"]) for each, found in rates.items()]
        return Body(table=rows, chart_title=chart, bars=bars)

    return body


def _rounds(found: Figures) -> str:
    return ", ".join(f"{one:,.0f}" for one in found["runs"])


def _drain(results: Results) -> Body:
    rows: list[Row] = [
        ("", "limit jobs/s", "sync jobs/s", "of the limit", "async jobs/s", "of sync")
    ]
    bars: list[Bar] = []
    for name, label in (("drain", "one worker"), ("drain-two", "two workers")):
        found = results[name]
        limit, sync = found["limit_jobs_per_second"], found["jobs_per_second"]
        asynchronous = found["async_jobs_per_second"]
        rows.append((label, limit, sync, found["ratio"], asynchronous, found["async_ratio"]))
        bars += [
            Bar(label=f"the limit, {label}", value=limit, is_ours=False),
            Bar(label=f"sync handler, {label}", value=sync),
            Bar(label=f"async handler, {label}", value=asynchronous),
        ]
    return Body(table=rows, chart_title="No-op jobs per second", bars=bars)


def _scale(results: Results) -> Body:
    rows: list[Row] = [("processes", "limit jobs/s", "jobs/s", "of the limit", "of the first")]
    bars: list[Bar] = []
    for found in results["scale"]["processes"]:
        rows.append(tuple(found.values()))
        many = found["processes"]
        bars += [
            Bar(label=f"the limit, {many}", value=found["limit_jobs_per_second"], is_ours=False),
            Bar(label=f"workers, {many}", value=found["jobs_per_second"]),
        ]
    return Body(table=rows, chart_title="No-op jobs per second by claiming processes", bars=bars)


def _hosts(results: Results) -> Body:
    whole = rates_of("hosts", chart="No-op jobs per second of two workers by where they run")(
        results
    )
    parts = results["hosts"]["jobs_by_host"].items()
    told = ", ".join(f"{name} {count:,}" for name, count in parts)
    remark = f"jobs that each of the two hosts ran in the last round: {told}"
    return Body(table=whole.table, chart_title=whole.chart_title, bars=whole.bars, remarks=[remark])


def _bloat(results: Results) -> Body:
    whole = rates_of("bloat", chart="No-op jobs per second beside a snapshot")(results)
    last = rates_of("bloat", chart="", key="last_tenth")(results).table[1:]
    rows = [*whole.table, *((f"{name}, the last tenth", *row) for name, *row in last)]
    return Body(table=rows, chart_title=whole.chart_title, bars=whole.bars)


def _mixed(results: Results) -> Body:
    whole = rates_of("mixed", chart="No-op jobs per second")(results)
    speeds = [
        f"{found['jobs']:,} jobs of {name}: {found['alone']:.2f} s alone, "
        f"{found['together']:.2f} s beside the others"
        for name, found in results["mixed"]["seconds"].items()
    ]
    remark = f"Queues of different speed in one worker: {'; '.join(speeds)}."
    return Body(table=whole.table, chart_title=whole.chart_title, bars=whole.bars, remarks=[remark])


def _io(results: Results) -> Body:
    rows: list[Row] = [("", "jobs", "at once", "ideal s", "seconds", "of the ideal")]
    bars: list[Bar] = []
    for name, found in results["io"]["cases"].items():
        rows.append((name, *(value for key, value in found.items() if key != "runs")))
        bars.append(Bar(label=name, value=100 * found["ratio"]))
    return Body(table=rows, chart_title="Percent of what the concurrency allows", bars=bars)


def _enqueue(results: Results) -> Body:
    rows: list[Row] = [("", "bare jobs/s", "enqueued jobs/s", "ratio")]
    bars: list[Bar] = []
    for way, found in results["enqueue"].items():
        if not isinstance(found, dict) or "limit_jobs_per_second" not in found:
            continue
        name, bare = way.replace("_", " "), found["limit_jobs_per_second"]
        rows.append((name, bare, found["jobs_per_second"], found["ratio"]))
        bars += [
            Bar(label=f"bare, {name}", value=bare, is_ours=False),
            Bar(label=name, value=found["jobs_per_second"]),
        ]
    return Body(table=rows, chart_title="Jobs stored per second", bars=bars)


SECTIONS = (
    Section(
        name="drain",
        heading="Drain: how near the limit",
        text="""A backlog of jobs that do nothing, each with one integer argument, is worked off by
        `manage.py runjobs`. The limit beside it is a loop of about a hundred lines on the same
        tables and indexes, with the same promises (claims under a worker's row and a queue's pause,
        a token that fences the finish, the move to the archive) and no feature at all: what is
        missing from it is what typed arguments, retries, deadlines, events and limits cost. It
        writes what is done and claims anew in one round trip and one commit for 500 jobs; larger
        batches made it no faster. A disk that syncs slowly holds up both alike.""",
        needs=("drain", "drain-two"),
        body=_drain,
    ),
    Section(
        name="scale",
        heading="Scale: more claiming processes",
        text="""The same backlog with several workers at once. Processors are what bounds it: the
        database needs them too, so that more processes than processors add nothing here. What must
        not happen is that they take from each other by waiting for the same rows.""",
        needs=("scale",),
        body=_scale,
    ),
    Section(
        name="hosts",
        heading="Hosts: two of them, and one database",
        text="""The same backlog and two workers: beside the server on its socket, both on one host
        that has a network between it and the server, and on two such hosts. A host is a network
        namespace of this machine with a name of its own, its cable a pair of virtual devices, so
        the ratio of two hosts to one tells whether it matters where a worker runs, not what two
        machines with processors of their own would do. That each host ran a part, and
        that its worker's row has its name, is checked in every round. What becomes of the jobs of a
        host whose cable is pulled out is a test: `tests/acceptance/test_hosts.py`.""",
        needs=("hosts",),
        body=_hosts,
    ),
    Section(
        name="backlog",
        heading="Backlog: from a thousand to millions that wait",
        text="""The rate at which the first 10,000 of so many are worked off. A claim walks an index
        from where it left off, so its work does not depend on how many wait behind.""",
        needs=("backlog",),
        body=rates_of("backlog", chart="No-op jobs per second by how many wait"),
    ),
    Section(
        name="bloat",
        heading="Bloat: a snapshot is held open",
        text="""A report or a dump that keeps a transaction open keeps every dead row as well: what
        ends meanwhile stays in table and index, and no vacuum may remove it. The whole backlog ends
        under such a snapshot here; the last tenth shows what has piled up by then.""",
        needs=("bloat",),
        body=_bloat,
    ),
    Section(
        name="mixed",
        heading="Mixed: queues, priorities, unique keys and a limit",
        text="""One plain queue, against the same number of jobs in ten queues and three priorities,
        each with a unique key, and a limit across workers on one of the queues.""",
        needs=("mixed",),
        body=_mixed,
    ),
    Section(
        name="io",
        heading="Jobs that wait for something",
        text="""The ideal is what the concurrency allows: the number of rounds, times the duration
        of a job. Claiming and recording must fit in while others still run.""",
        needs=("io",),
        body=_io,
    ),
    Section(
        name="orm",
        heading="A row read and saved",
        text="""Most handlers of a site talk to its database. Each job reads one row with the ORM
        and saves it; bare threads of the same number do the same without a queue, which is all
        that could be reached.""",
        needs=("orm",),
        body=rates_of("orm", chart="Rows read and saved per second"),
    ),
    Section(
        name="observed",
        heading="Somebody looks on",
        text="""Receivers connected to the signals `started`, `succeeded`, `failed` and `dead`, and
        metrics counted for Prometheus, against nobody who looks on.""",
        needs=("observed",),
        body=rates_of("observed", chart="No-op jobs per second by who looks on"),
    ),
    Section(
        name="enqueue",
        heading="Enqueue",
        text="""One at a time, each committed by itself, against a bare `INSERT` of the driver into
        the same table; and `enqueue_many`, against a bare `COPY`. Beside no wake-ups, the bare side
        is our own enqueue without its NOTIFY.""",
        needs=("enqueue",),
        body=_enqueue,
    ),
)
