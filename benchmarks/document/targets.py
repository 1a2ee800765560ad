"""What is to be shown, each as one number that is read from the results."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .charts import amount
from .results import Results, found

AT_LEAST, AT_MOST = "at least", "at most"
PICKUP_PROFILE = "decisions/0054-where-a-pickup-spends-its-time.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A measure, the bound that it must keep, and how to read it; where it has not always been
    kept, the page below docs that shows what stands in its way.
    """

    measure: str
    bound: float
    read: Callable[[Results], float | None]
    kind: str = AT_LEAST
    profile: str = ""

    def is_met_by(self, value: float) -> bool:
        return value >= self.bound if self.kind == AT_LEAST else value <= self.bound

    def verdict(self, value: float) -> str:
        """Return whether the bound was kept, and if not, where the profile is that says why."""
        if self.is_met_by(value):
            return "yes"
        return f"no: [why]({self.profile})" if self.profile else "no"


def at(path: str) -> Callable[[Results], float | None]:
    """Return what reads the number at that place."""
    return lambda results: found(results, path)


def inverse(path: str) -> Callable[[Results], float | None]:
    """Return what turns the ratio of another to this project into that of this project to it."""

    def read(results: Results) -> float | None:
        value = found(results, path)
        return 1 / value if value else None

    return read


TARGETS = (
    Target(measure="drain, one worker, of the limit beside it", bound=0.5, read=at("drain/ratio")),
    Target(measure="the same, two workers", bound=0.5, read=at("drain-two/ratio")),
    Target(
        measure="drain, one worker, of pgqueuer at its best batch size",
        bound=1.5,
        read=inverse("pgqueuer/drain_1/pgqueuer/ratio"),
    ),
    Target(
        measure="the same, two workers of each",
        bound=1.5,
        read=inverse("pgqueuer/drain_2/pgqueuer/ratio"),
        profile="decisions/0034-cost-of-a-job-in-its-worker.md",
    ),
    Target(measure="async no-op handler, of the sync one", bound=0.8, read=at("drain/async_ratio")),
    Target(
        measure="enqueue one at a time, of a bare INSERT",
        bound=0.5,
        read=at("enqueue/one_at_a_time/ratio"),
    ),
    Target(
        measure="enqueue_many of 20,000, of a bare COPY",
        bound=0.5,
        read=at("enqueue/in_bulk/ratio"),
        profile="decisions/0025-cost-of-an-enqueue.md",
    ),
    Target(
        measure="pickup latency, idle worker, p50, of pgqueuer's",
        bound=1.0,
        kind=AT_MOST,
        read=inverse("pgqueuer/latency/pgqueuer/p50_ratio"),
        profile=PICKUP_PROFILE,
    ),
    Target(
        measure="the same, p99",
        bound=1.0,
        kind=AT_MOST,
        read=inverse("pgqueuer/latency/pgqueuer/p99_ratio"),
        profile=PICKUP_PROFILE,
    ),
    Target(
        measure="2,000 jobs of 10 ms at concurrency 50, of the ideal",
        bound=0.85,
        read=at("io/cases/10 ms, threads/ratio"),
    ),
    Target(
        measure="1,000 async jobs of 1 s, all at once, of the ideal",
        bound=0.9,
        read=at("io/cases/1 s, async/ratio"),
    ),
    Target(
        measure="drain at 5,000,000 of backlog, of that at 10,000",
        bound=0.8,
        read=at("backlog/rates/5,000,000/ratio"),
    ),
    Target(
        measure="drain beside a snapshot held open, of that beside none",
        bound=0.8,
        read=at("bloat/rates/held open/ratio"),
    ),
    Target(
        measure="10 queues, 3 priorities, unique keys and a limit, of one plain queue",
        bound=0.6,
        read=at("mixed/rates/the mix/ratio"),
        profile="decisions/0053-limits-of-queues-beside-other-queues.md",
    ),
    Target(
        measure="drain with metrics and signals connected, of that with none",
        bound=0.8,
        read=at("observed/rates/metrics and signals/ratio"),
        profile="decisions/0051-what-ended-is-told-beside-the-pump.md",
    ),
    Target(
        measure="one row read and saved by the ORM, of bare threads",
        bound=0.6,
        read=at("orm/rates/worker/ratio"),
    ),
    Target(
        measure="SQLite drain, of huey's SQLite storage",
        bound=3.0,
        read=inverse("sqlite/drain_1/huey/ratio"),
        profile="decisions/0033-an-exchange-on-sqlite.md",
    ),
    Target(
        measure="SQLite pickup latency, idle worker, p50 in ms",
        bound=10.0,
        kind=AT_MOST,
        read=at("latency-sqlite/p50_ms"),
    ),
    Target(
        measure="statements per second of an idle worker",
        bound=1.5,
        kind=AT_MOST,
        read=at("idle/one/statements_per_second"),
    ),
    Target(
        measure="percent of a core that an idle worker takes",
        bound=1.0,
        kind=AT_MOST,
        read=at("idle/one/processor_percent"),
    ),
    Target(
        measure="memory of a worker after 1,000,000 jobs, of that after 10,000",
        bound=1.05,
        kind=AT_MOST,
        read=at("resident/ratio"),
        profile="decisions/0052-what-a-quick-job-costs.md",
    ),
)


def target_rows(results: Results) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each target: what was measured, and whether the bound was kept."""
    for target in TARGETS:
        value = target.read(results)
        told = "not measured" if value is None else amount(value)
        kept = "" if value is None else target.verdict(value)
        yield target.measure, f"{target.kind} {amount(target.bound)}", told, kept
