"""What an idle worker costs: statements, processor and connections; and many workers together."""

import sys
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import msgspec
from django.db import connection

from django_jobqueue.core.clock import monotonic
from django_jobqueue.models import WorkerRecord

from .children import WORKER, Children, started
from .databases import server_pid
from .draining import wait_for_workers
from .errors import BenchmarkFailed
from .processes import family, processor_seconds
from .replay import Plan, Replayed, steps_of
from .report import Report, percentile, progress
from .statements import Statement, StatementLog, statements_logged

#: What a worker is given until it is idle: it is attentive for a while after it came up.
SETTLE_SECONDS = 10.0
REPLAY = (sys.executable, "-m", "benchmarks.replay")
#: What connecting that many may take besides.
PATIENCE = 300
#: Connections that the server keeps for others than the simulated workers.
OTHER_CONNECTIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """What one worker used in so many seconds, and asked of PostgreSQL."""

    seconds: float
    processor_seconds: float
    connections: int = 0
    statements: Sequence[Statement] = ()

    @property
    def processor_percent(self) -> float:
        return 100 * self.processor_seconds / self.seconds

    @property
    def asked(self) -> list[Statement]:
        """Those that ask or change something: not the begin and end of a transaction."""
        return [one for one in self.statements if not one.is_control]


def run(options: Namespace) -> Report:
    """Measure one worker, and on PostgreSQL the load of many that do the same."""
    if connection.vendor == "sqlite":
        with started(WORKER) as worker:
            worker.pause(SETTLE_SECONDS)
            return _report(options, one=_watched(worker, seconds=options.seconds), many=None)
    with statements_logged() as log, started(WORKER) as worker:
        wait_for_workers(worker, 1)
        worker.pause(SETTLE_SECONDS)
        one = _recorded(worker, log=log, seconds=options.seconds)
    progress(f"one worker: {len(one.asked) / one.seconds:.2f} statements/s")
    return _report(options, one=one, many=_simulated(options, one))


def _watched(worker: Children, *, seconds: float) -> Idle:
    pids = family(worker.pids[0])
    began, used = monotonic(), processor_seconds(pids)
    worker.pause(seconds)
    took = monotonic() - began
    return Idle(seconds=took, processor_seconds=processor_seconds(pids) - used)


def _recorded(worker: Children, *, log: Path, seconds: float) -> Idle:
    # This process connected before statements were logged: none of its own are among them.
    statements = StatementLog(log)
    watched = _watched(worker, seconds=seconds)
    return replace(watched, statements=statements.read(), connections=_connections())


def _connections() -> int:
    """How many there are to this database besides this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def _simulated(options: Namespace, one: Idle) -> Replayed:
    """Let many workers be registered and do what this one did."""
    _check_room(options.workers)
    seen = WorkerRecord.objects.order_by("-started_at")[0]
    # Begun anew: the recording shows no registration.
    WorkerRecord.objects.update(state="stopped")
    copies = [uuid4() for _ in range(options.workers)]
    recorded, seen.state = str(seen.pk), "alive"
    for copy in copies:
        seen.pk = copy
        seen.save(force_insert=True)
    began = min((statement.at for statement in one.statements), default=0.0)
    plan = Plan(
        recorded=recorded,
        steps=steps_of(one.statements, since=began),
        seconds=one.seconds,
        workers=[str(copy) for copy in copies],
        watched_seconds=options.seconds,
        server_pid=server_pid(),
    )
    return _replayed(plan)


def _check_room(workers: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        most = int(cursor.fetchone()[0]) - OTHER_CONNECTIONS
    if workers > most:
        raise BenchmarkFailed(
            f"the server has room for {most} workers, not for {workers}: raise its max_connections,"
            " or leave DATABASE_URL out, for a server that is started here"
        )


def _replayed(plan: Plan) -> Replayed:
    with tempfile.TemporaryDirectory(prefix="jobqueue-replay-") as folder:
        told, result = Path(folder) / "plan.json", Path(folder) / "result.json"
        told.write_bytes(msgspec.json.encode(plan))
        with started((*REPLAY, str(told), str(result))) as simulation:
            simulation.wait(plan.watched_seconds + PATIENCE)
        return msgspec.json.decode(result.read_bytes(), type=Replayed)


def _report(options: Namespace, *, one: Idle, many: Replayed | None) -> Report:
    figures = {"one": _figures_of_one(one)}
    if many is not None:
        figures["many"] = _figures_of_many(many, workers=options.workers)
    rows = [(f"{part}, {name}", value) for part, found in figures.items() for name, value in found]
    return Report(
        title=f"idle: what a worker costs that has nothing to do, {options.database}",
        figures={
            "benchmark": "idle",
            "database": options.database,
            **{part: dict(found) for part, found in figures.items()},
            "statements": _by_kind(one),
        },
        settings={"seconds": options.seconds, "workers": options.workers},
        table=[("", ""), *rows],
    )


def _figures_of_one(one: Idle) -> list[tuple[str, float]]:
    processor = ("processor_percent", round(one.processor_percent, 2))
    if not one.connections:
        return [processor]  # SQLite has none, and no log of statements
    controls = len(one.statements) - len(one.asked)
    return [
        processor,
        ("statements_per_second", round(len(one.asked) / one.seconds, 2)),
        ("begins_and_commits_per_second", round(controls / one.seconds, 2)),
        ("connections", one.connections),
    ]


def _figures_of_many(many: Replayed, *, workers: int) -> list[tuple[str, float]]:
    return [
        ("workers", workers),
        ("statements_per_second", round(len(many.milliseconds) / many.seconds)),
        (
            "server_processor_percent",
            round(100 * many.server_processor_seconds / many.seconds, 1),
        ),
        (
            "simulation_processor_percent",
            round(100 * many.own_processor_seconds / many.seconds, 1),
        ),
        ("statement_p50_ms", round(percentile(many.milliseconds, 50), 2)),
        ("statement_p99_ms", round(percentile(many.milliseconds, 99), 2)),
        ("late_p50_ms", round(percentile(many.late_milliseconds, 50), 2)),
        ("late_p99_ms", round(percentile(many.late_milliseconds, 99), 2)),
    ]


def _by_kind(one: Idle) -> dict[str, float]:
    """Statements per second, the most frequent first."""
    kinds = Counter(statement.beginning for statement in one.asked)
    return {kind: round(count / one.seconds, 3) for kind, count in kinds.most_common()}
