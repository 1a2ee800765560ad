"""What one PostgreSQL primary sustains: a model of measured figures."""

from .charts import Bar
from .page import Body, Row, Section
from .results import Results, found

#: The part of its processors that a server may give to jobs and still answer a site in time.
SHARE = 0.5
CORES = (2, 4, 8, 16, 32)
SECONDS_PER_DAY = 86_400


def _capacity(results: Results) -> Body:
    costs = results["cost"]["costs"]
    one, many, run = (costs[name] for name in ("enqueue, one by one", "enqueue, in bulk", "run"))
    wal, kept = one["wal_bytes"] + run["wal_bytes"], results["cost"]["archived_bytes"]
    rows: list[Row] = [
        ("cores", "jobs/s, enqueued one by one", "in bulk", "WAL MB/s", "archive GB a day")
    ]
    for cores in CORES:
        microseconds = SHARE * cores * 1e6
        rate = microseconds / max(1.0, one["server_microseconds"] + run["server_microseconds"])
        bulk = microseconds / max(1.0, many["server_microseconds"] + run["server_microseconds"])
        archive = rate * kept * SECONDS_PER_DAY
        rows.append((str(cores), rate, bulk, rate * wal / 1e6, archive / 1e9))
    bars = [Bar(label=name, value=cost["server_microseconds"]) for name, cost in costs.items()]
    return Body(
        table=rows,
        chart_title="Processor microseconds of the server for one job",
        bars=bars,
        remarks=_remarks(results, kept=kept),
    )


def _remarks(results: Results, *, kept: float) -> list[str]:
    costs = results["cost"]["costs"]
    told = [
        f"{name}: {cost['server_microseconds']:,.0f} µs of the server, "
        f"{cost['worker_microseconds']:,.0f} µs of the process that enqueues or runs, "
        f"{cost['wal_bytes']:,.0f} bytes of write-ahead log"
        for name, cost in costs.items()
    ]
    told.append(f"an archived job takes {kept:,.0f} bytes on disk, its indexes included")
    percent = found(results, "idle/many/server_processor_percent")
    workers = found(results, "idle/many/workers")
    if percent is not None and workers:
        told.append(f"{workers:,.0f} idle workers take {percent / 100:.2f} cores of the server")
    return told


SECTIONS = (
    Section(
        name="cost",
        heading="What one PostgreSQL sustains, and where to split",
        text=f"""What a job costs the server is measured on this machine: processor time of all its
        processes, and what it writes. The table follows from that if {SHARE:.0%} of the cores go to
        jobs: rate = cores x {SHARE} / (cost to enqueue + cost to run), with jobs as small as the
        ones measured. Larger arguments and results add their bytes to the log twice and to the
        archive once; a row of unique keys, limits or batches adds one more write each. Split over
        databases when the rate that you need is above its row; when the log is more than the disk
        or the replicas take; or when the archive of the retention that you want no longer fits in
        memory with its newest part. Before that: enqueue in bulk, which saves a commit for each
        job; shorten ARCHIVE_RETENTION; keep arguments small. Split by queue, not by handler: give a
        service of its own (its site, its workers) a database of its own, so that what is enqueued
        in a transaction stays in the database of that transaction. One hot queue needs no split of
        its own: claims of different workers skip each other's rows.""",
        needs=("cost",),
        body=_capacity,
    ),
)
