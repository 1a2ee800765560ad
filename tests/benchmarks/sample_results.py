"""A result of each kind, with figures that nobody measured."""

from typing import Any

PLACE = {"machine": {"cpus": 2}, "settings": {"version": "PostgreSQL 18"}, "commit": "abc"}


def rate(jobs_per_second: float, *, ratio: float = 1.0) -> dict[str, Any]:
    return {"jobs_per_second": jobs_per_second, "ratio": ratio, "runs": [jobs_per_second]}


def drain(*, ratio: float) -> dict[str, Any]:
    return {
        "limit_jobs_per_second": 20_000,
        "jobs_per_second": 20_000 * ratio,
        "async_jobs_per_second": 9_000,
        "ratio": ratio,
        "async_ratio": 0.9,
    }


def comparison(other: str) -> dict[str, Any]:
    names = ("django_jobqueue", other)
    about = {"versions": "1.0", "tuned": "threads", "tuning": 4, "jobs": 500}
    works = ("drain_1", "drain_2", "enqueue", "enqueue_many")
    return {
        "subjects": dict.fromkeys(names, about),
        **{work: {names[0]: rate(9_000), other: rate(3_000, ratio=1 / 3)} for work in works},
        "latency": {name: dict(PICKUPS) for name in names},
        "absent": {"another": "it needs redis-server"},
    }


PICKUPS = {
    "first_ms": 25.5,
    "p50_ms": 2.0,
    "p50_runs": [2.0, 3.0],
    "p50_ratio": 1.25,
    "p99_ms": 9.0,
    "p99_runs": [8.0, 10.5],
    "p99_ratio": 0.5,
}
CASE = {"jobs": 10, "concurrency": 5, "ideal_seconds": 2.0, "seconds": 2.5, "ratio": 0.8}
COST = {"server_microseconds": 50.0, "worker_microseconds": 80.0, "wal_bytes": 1_000.0}
MILLISECONDS = {"p50_ms": 2.0, "p95_ms": 5.0, "p99_ms": 9.0, "max_ms": 12.0}
FOUND: dict[str, dict[str, Any]] = {
    "drain": drain(ratio=0.6),
    "drain-two": drain(ratio=0.4),
    "scale": {
        "processes": [
            {
                "processes": 1,
                "limit_jobs_per_second": 20_000,
                "jobs_per_second": 12_000,
                "ratio": 0.6,
                "times_the_first": 1.0,
            }
        ]
    },
    "hosts": {
        "rates": {"one host": rate(15_000), "two hosts": rate(15_300, ratio=1.02)},
        "jobs_by_host": {"alpha": 300, "beta": 200},
    },
    "backlog": {"rates": {"10,000": rate(9_000), "5,000,000": rate(8_100, ratio=0.9)}},
    "bloat": {
        "rates": {"none": rate(9_000), "held open": rate(8_000, ratio=0.89)},
        "last_tenth": {"none": rate(9_000), "held open": rate(7_000, ratio=0.78)},
    },
    "mixed": {
        "rates": {"one plain queue": rate(9_000), "the mix": rate(6_000, ratio=0.67)},
        "seconds": {"no-op": {"jobs": 100, "alone": 1.0, "together": 1.5}},
    },
    "io": {"cases": {"10 ms, threads": CASE, "1 s, async": CASE}},
    "orm": {"rates": {"bare threads": rate(900), "worker": rate(600, ratio=0.67)}},
    "observed": {"rates": {"nobody": rate(9_000), "metrics and signals": rate(8_000, ratio=0.89)}},
    "enqueue": {
        "benchmark": "enqueue",
        "one_at_a_time": {"limit_jobs_per_second": 2_000, **rate(1_000, ratio=0.5)},
        "in_bulk": {"limit_jobs_per_second": 80_000, **rate(40_000, ratio=0.5)},
    },
    "latency": MILLISECONDS,
    "latency-sqlite": MILLISECONDS,
    "idle": {
        "one": {"statements_per_second": 1.2, "processor_percent": 0.4},
        "many": {"workers": 1_000, "server_processor_percent": 40.0},
        "statements": {"UPDATE jobqueue_worker": 0.2},
    },
    "resident": {
        "first": 10_000,
        "jobs": 1_000_000,
        "mebibytes_before": 60.0,
        "mebibytes": 62.0,
        "ratio": 1.03,
    },
    "cost": {
        "costs": dict.fromkeys(("enqueue, one by one", "enqueue, in bulk", "run"), COST),
        "archived_bytes": 500.0,
    },
    "sqlite": comparison("huey"),
    "peers": comparison("pgqueuer"),
    "pgqueuer": comparison("pgqueuer"),
}
RESULTS = {name: {**found, **PLACE} for name, found in FOUND.items()}
