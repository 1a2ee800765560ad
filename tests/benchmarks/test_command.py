"""The benchmarks end to end, with few jobs: what they print, never how fast they were."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from benchmarks.__main__ import main
from tests.networks import refusal

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.acceptance


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        timeout=100,
    )


def refusal_of(*arguments: str) -> int:
    """The status of a command line that is refused before anything is begun."""
    with pytest.raises(SystemExit) as refused:
        main([*arguments])
    assert isinstance(refused.value.code, int)
    return refused.value.code


def figures_of(*arguments: str) -> dict:
    done = benchmark(*arguments, "--database", connection.vendor, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_drain_prints_its_rate_beside_the_limit_and_where_it_was_measured():
    figures = figures_of("drain", "--jobs", "200", "--runs", "1")

    assert (figures["benchmark"], figures["jobs"], figures["processes"]) == ("drain", 200, 1)
    assert figures["database"] == connection.vendor
    [only] = figures["runs"]
    for name in (
        "jobs_per_second",
        "limit_jobs_per_second",
        "ratio",
        "async_jobs_per_second",
        "async_ratio",
    ):
        assert figures[name] == only[name] > 0
    assert figures["machine"]["cpus"] == os.cpu_count()
    assert figures["settings"]["version"]
    assert "commit" in figures


@pytest.mark.parametrize("kind", [(), ("--scheduled",)], ids=["due", "scheduled"])
def test_latency_prints_percentiles_of_every_start(kind):
    figures = figures_of("latency", "--count", "5", *kind)

    assert len(figures["milliseconds"]) == 5
    assert figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"] <= figures["max_ms"]


@pytest.mark.postgresql
def test_poison_prints_the_rate_of_the_others_without_and_with_it():
    figures = figures_of("poison", "--jobs", "20", "--runs", "1")

    [(alone, beside)] = figures["runs"]
    assert (figures["jobs_per_second_alone"], figures["jobs_per_second"]) == (alone, beside)
    assert figures["ratio"] > 0


@pytest.mark.postgresql
@pytest.mark.parametrize("what", ["due", "records", "snapshot"])
def test_beside_prints_the_starts_before_and_beside_the_others(what):
    figures = figures_of("beside", what, "--jobs", "500", "--count", "3")

    assert (figures["what"], figures["jobs"], figures["count"]) == (what, 500, 3)
    for when in ("alone", "beside"):
        assert figures[when]["p50_ms"] <= figures[when]["p95_ms"] <= figures[when]["max_ms"]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "name", [("beside", "due"), ("backlog",), ("bloat",), ("scale",), ("hosts",), ("peers",)]
)
def test_what_only_postgresql_has_an_answer_for_is_refused_on_sqlite(name, capsys):
    assert refusal_of(*name, "--database", "sqlite") == 2
    assert "--database sqlite" in capsys.readouterr().err


def test_io_prints_how_near_each_kind_of_waiting_comes_to_the_ideal():
    figures = figures_of("io", "--short", "20", "--long", "20", "--runs", "1")

    assert list(figures["cases"]) == [
        "10 ms, threads",
        "10 ms, async",
        "1 s, threads",
        "1 s, async",
    ]
    for case in figures["cases"].values():
        assert case["seconds"] >= case["ideal_seconds"]
        assert 0 < case["ratio"] <= 1
    assert figures["cases"]["1 s, async"]["concurrency"] == 20


def test_mixed_prints_what_the_mix_costs_and_how_long_each_queue_took():
    figures = figures_of("mixed", "--jobs", "500", "--runs", "1")

    assert figures["rates"]["one plain queue"]["ratio"] == 1
    assert figures["rates"]["the mix"]["jobs_per_second"] > 0
    assert {name: found["jobs"] for name, found in figures["seconds"].items()} == {
        "no-op": 100,
        "10 ms": 10,
        "100 ms": 1,
    }
    assert all(found["alone"] > 0 < found["together"] for found in figures["seconds"].values())


def test_orm_prints_the_rate_beside_bare_threads():
    figures = figures_of("orm", "--jobs", "20", "--runs", "1")

    assert list(figures["rates"]) == ["bare threads", "worker"]
    assert figures["rates"]["worker"]["ratio"] > 0


def test_observed_prints_the_rate_with_receivers_and_without():
    figures = figures_of("observed", "--jobs", "100", "--runs", "1")

    assert list(figures["rates"]) == ["nobody", "signals", "metrics", "metrics and signals"]
    assert figures["rates"]["metrics and signals"]["ratio"] > 0


def test_resident_prints_the_memory_of_a_worker_before_and_after():
    figures = figures_of("resident", "--first", "10", "--jobs", "50")

    assert (figures["first"], figures["jobs"]) == (10, 50)
    assert figures["mebibytes_before"] > 0
    assert figures["ratio"] == pytest.approx(
        figures["mebibytes"] / figures["mebibytes_before"], abs=0.01
    )


@pytest.mark.postgresql
def test_cost_prints_what_a_job_costs_to_enqueue_and_to_run():
    figures = figures_of("cost", "--jobs", "200", "--count", "10", "--runs", "1")

    one, many, ran = figures["costs"].values()
    assert list(figures["costs"]) == ["enqueue, one by one", "enqueue, in bulk", "run"]
    assert one["wal_bytes"] > 0 < many["wal_bytes"]
    # So few jobs may cost less to run than a worker's coming up differs from one time to the next.
    assert ran.keys() == {"server_microseconds", "worker_microseconds", "wal_bytes"}
    assert figures["archived_bytes"] > 0


@pytest.mark.postgresql
def test_idle_prints_what_one_worker_asks_and_what_many_cost_the_server():
    figures = figures_of("idle", "--seconds", "6", "--workers", "3")

    assert figures["one"]["statements_per_second"] > 0
    assert figures["one"]["connections"] > 0
    assert any("UPDATE jobqueue_worker" in kind for kind in figures["statements"]), "a heartbeat"
    assert figures["many"]["workers"] == 3
    assert figures["many"]["statements_per_second"] > 0


@pytest.mark.postgresql
def test_idle_refuses_more_workers_than_the_server_has_room_for():
    done = benchmark("idle", "--seconds", "1", "--workers", "5000")

    assert done.returncode == 1
    assert "raise its max_connections" in done.stderr


@pytest.mark.sqlite
def test_idle_prints_what_a_worker_costs_on_sqlite():
    figures = figures_of("idle", "--seconds", "1")

    assert figures["one"].keys() == {"processor_percent"}


@pytest.mark.postgresql
def test_backlog_prints_a_rate_for_each_size():
    figures = figures_of("backlog", "--sizes", "50", "500", "--jobs", "20", "--runs", "1")

    assert list(figures["rates"]) == ["50", "500"]
    assert figures["reference"] == "50"
    assert all(found["jobs_per_second"] > 0 for found in figures["rates"].values())


@pytest.mark.postgresql
def test_bloat_prints_the_rate_beside_a_held_snapshot_and_without_one():
    figures = figures_of("bloat", "--jobs", "100", "--runs", "1")

    for part in ("rates", "last_tenth"):
        assert list(figures[part]) == ["none", "held open"]
        assert figures[part]["none"]["ratio"] == 1


@pytest.mark.postgresql
def test_scale_prints_both_rates_for_each_number_of_workers():
    figures = figures_of("scale", "--jobs", "100", "--processes", "1", "2", "--runs", "1")

    assert [found["processes"] for found in figures["processes"]] == [1, 2]
    for found in figures["processes"]:
        assert found["limit_jobs_per_second"] > 0 < found["jobs_per_second"]


@pytest.mark.postgresql
def test_hosts_prints_the_rate_by_where_two_workers_run_and_the_part_of_each_host():
    if reason := refusal():
        pytest.skip(reason)

    figures = figures_of("hosts", "--jobs", "5000", "--runs", "1")

    assert list(figures["rates"]) == ["beside the server", "one host", "two hosts"]
    assert figures["rates"]["two hosts"]["ratio"] > 0
    assert figures["jobs_by_host"].keys() == {"alpha", "beta"}
    assert sum(figures["jobs_by_host"].values()) == 5000


def test_isolation_prints_how_soon_the_quick_ones_were_done_and_how_many_others_were_left():
    figures = figures_of("isolation", "--slow", "4", "--quick", "4", "--runs", "1")

    assert (figures["benchmark"], figures["slow"], figures["quick"]) == ("isolation", 4, 4)
    assert figures["seconds"] > 0
    assert 0 <= figures["slow_left"] <= 4


@pytest.mark.parametrize("of", ["handler", "key", "queue"])
def test_limits_prints_what_is_used_of_a_limit(of):
    figures = figures_of("limits", "--jobs", "5", "--processes", "1", "--runs", "1", "--of", of)

    assert (figures["benchmark"], figures["limit"], figures["of"]) == ("limits", 3, of)
    assert 0 < figures["share"] <= figures["held"] <= 1


def test_wait_prints_percentiles_of_every_return():
    figures = figures_of("wait", "--count", "5")

    assert (figures["benchmark"], figures["count"]) == ("wait", 5)
    assert len(figures["milliseconds"]) == 5
    assert figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"] <= figures["max_ms"]


def test_enqueue_prints_both_ways_beside_the_bare_driver():
    figures = figures_of("enqueue", "--count", "20", "--bulk", "50", "--runs", "1")

    for way in ("one_at_a_time", "in_bulk"):
        assert figures[way].keys() == {"jobs_per_second", "limit_jobs_per_second", "ratio", "runs"}


def test_memory_prints_how_long_its_backlog_took():
    figures = figures_of("memory", "--jobs", "200", "--runs", "3", "--workers", "2")

    assert (figures["benchmark"], figures["jobs"], figures["workers"]) == ("memory", 200, 2)
    assert len(figures["runs"]) == 3
    assert figures["seconds"] > 0
    assert figures["jobs_per_second"] > 0


@pytest.mark.postgresql
def test_two_workers_share_one_backlog():
    figures = figures_of("drain", "--jobs", "200", "--runs", "1", "--processes", "2")

    assert figures["processes"] == 2


@pytest.mark.sqlite
def test_two_workers_on_sqlite_are_refused_in_one_sentence(capsys):
    assert refusal_of("drain", "--database", "sqlite", "--processes", "2") == 2
    assert "SQLite has one writer at a time" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["0", "-1", "many"])
def test_a_number_of_jobs_that_is_none_is_refused(given, capsys):
    assert refusal_of("drain", "--jobs", given) == 2
    assert f"{given!r} is not a whole number of at least 1" in capsys.readouterr().err
