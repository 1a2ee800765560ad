"""How soon and how cheaply: pickup, idleness and memory."""

from .charts import Bar
from .page import Body, Row, Section
from .results import Results


def _latency(results: Results) -> Body:
    rows: list[Row] = [("", "p50 ms", "p95 ms", "p99 ms", "most ms")]
    bars: list[Bar] = []
    for name, label in (("latency", "PostgreSQL"), ("latency-sqlite", "SQLite")):
        found = results[name]
        rows.append((label, *(found[key] for key in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))))
        bars += [
            Bar(label=f"{label}, {percent}", value=found[f"{percent}_ms"])
            for percent in ("p50", "p99")
        ]
    return Body(table=rows, chart_title="Milliseconds from commit to handler", bars=bars)


def _idle(results: Results) -> Body:
    rows: list[Row] = [("", "")]
    for part, label in (("one", "one worker"), ("many", "many workers")):
        for name, value in results["idle"].get(part, {}).items():
            rows.append((f"{label}: {name.replace('_', ' ')}", value))
    kinds = results["idle"]["statements"]
    bars = [Bar(label=kind[:32], value=rate) for kind, rate in list(kinds.items())[:8]]
    return Body(table=rows, chart_title="Statements per second of one idle worker", bars=bars)


def _resident(results: Results) -> Body:
    found = results["resident"]
    before, after = f"after {found['first']:,} jobs", f"after {found['jobs']:,} jobs"
    return Body(
        table=[
            ("", "MiB"),
            (before, found["mebibytes_before"]),
            (after, found["mebibytes"]),
            ("ratio", found["ratio"]),
        ],
    )


SECTIONS = (
    Section(
        name="latency",
        heading="Pickup: from commit to handler",
        text="""One job at a time for a worker that has nothing to do, after pauses of 20 to 300 ms.
        PostgreSQL wakes the worker with NOTIFY, at most once in 100 ms from each process, and a
        poll covers what that leaves out; on SQLite the worker watches the file's version.""",
        needs=("latency", "latency-sqlite"),
        body=_latency,
    ),
    Section(
        name="idle",
        heading="Idleness",
        text="""A worker that has nothing to do: its statements are counted in the server's log, and
        its processor time includes its children. Many workers are simulated, each over one
        connection, by repeating what the one was seen to ask, at the same times and with ids of
        their own; the processor time of the server is that of all its processes. How late a
        statement was begun says whether the simulation could keep up.""",
        needs=("idle",),
        body=_idle,
    ),
    Section(
        name="resident",
        heading="Memory",
        text="""Resident memory of one worker in one process, two seconds after its last job.""",
        needs=("resident",),
        body=_resident,
    ),
)
