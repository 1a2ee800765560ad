"""The lease protocol for one job and two workers of two threads each, small enough to try every
order of events.

The adversary declares living workers dead whenever it likes, loses the answer of any commit, kills
processes, lets handlers run on after their claim is gone, and requeues what is final, all of it as
often as it likes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

READY, RUNNING, FINAL = "ready", "running", "final"
MAX_ATTEMPTS = 3
THREADS = 2
NOBODY, GONE = -1, -2


class Run(NamedTuple):
    """A handler that runs, or whose outcome is not settled: its claim as the worker knows it."""

    token: int
    attempt: int
    identity: int


class Worker(NamedTuple):
    """`is_alive` is what its row says, `has_process` what is true."""

    identity: int
    is_alive: bool
    has_process: bool
    runs: tuple[Run, ...]


class World(NamedTuple):
    """The row of the job, and the workers. Token and owner are NOBODY unless it is running."""

    state: str
    attempt: int
    token: int
    owner: int
    workers: tuple[Worker, ...]


class Step(NamedTuple):
    """What happened, to which world it led, and which promise it broke, if any."""

    name: str
    after: World
    is_fault: bool = False
    breach: str = ""


Fence = Callable[[World, Run], bool]

#: What a late report may be compared with. Only the token tells every claim from every other.
FENCES: Mapping[str, Fence] = {
    "id": lambda world, run: world.state != FINAL,
    "state": lambda world, run: world.state == RUNNING,
    "attempt": lambda world, run: world.state == RUNNING and world.attempt == run.attempt,
    "worker": lambda world, run: world.state == RUNNING and world.owner == run.identity,
    "token": lambda world, run: world.state == RUNNING and world.token == run.token,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The protocol; every default is what the store does."""

    fence: str = "token"
    claim_needs_living_worker: bool = True
    heartbeat_reconciles: bool = True
    reaper_sweeps_ownerless: bool = True
    last_failure_is_final: bool = True


LATE_WRITE = "a claim that was over changed the job"
CLAIM_OF_THE_DEAD = "a worker that was declared dead owns a new claim"
WRONG_ATTEMPT = "a run whose attempt is not between 1 and max_attempts"

START = World(
    state=READY,
    attempt=0,
    token=NOBODY,
    owner=NOBODY,
    workers=(Worker(0, True, True, ()), Worker(1, True, True, ())),
)


def steps(world: World, rules: Rules) -> Iterator[Step]:
    """Everything that may happen next."""
    for index, worker in enumerate(world.workers):
        yield from _membership(world, index)
        if worker.has_process:
            yield from _claims(world, rules, index)
            yield from _reports(world, rules, index)
            yield _crash(world, index)
        if rules.heartbeat_reconciles:
            yield from _reconciliation(world, index)
    if rules.reaper_sweeps_ownerless:
        yield from _sweep(world)
    if world.state == FINAL:
        yield Step("requeue", world._replace(state=READY, attempt=0), is_fault=True)


def _claims(world: World, rules: Rules, index: int) -> Iterator[Step]:
    worker = world.workers[index]
    has_room = len(worker.runs) < THREADS
    may = worker.is_alive or not rules.claim_needs_living_worker
    if world.state != READY or not has_room or not may:
        return
    claimed = world._replace(
        state=RUNNING,
        attempt=world.attempt + 1,
        token=_fresh(run.token for one in world.workers for run in one.runs),
        owner=worker.identity,
    )
    breach = "" if worker.is_alive else CLAIM_OF_THE_DEAD
    if not 1 <= claimed.attempt <= MAX_ATTEMPTS:
        breach = WRONG_ATTEMPT
    run = Run(claimed.token, claimed.attempt, worker.identity)
    started = _with(claimed, index, runs=(*worker.runs, run))
    yield Step(f"claim {index}", started, breach=breach)
    yield Step(f"claim {index}, answer lost", claimed, is_fault=True, breach=breach)


def _reports(world: World, rules: Rules, index: int) -> Iterator[Step]:
    """Each run may end in each way; where the answer is lost, the worker will report it again."""
    runs = world.workers[index].runs
    for place, run in enumerate(runs):
        let_go = (*runs[:place], *runs[place + 1 :])
        if not FENCES[rules.fence](world, run):
            yield Step(f"late report {index}", _with(world, index, runs=let_go))
            continue
        breach = "" if (world.state, world.token) == (RUNNING, run.token) else LATE_WRITE
        for name, written in _outcomes(world, rules):
            yield Step(f"{name} {index}", _with(written, index, runs=let_go), breach=breach)
            yield Step(f"{name} {index}, answer lost", written, is_fault=True, breach=breach)


def _outcomes(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    yield "finish", _unclaimed(world, state=FINAL, attempt=world.attempt)
    ends = rules.last_failure_is_final and world.attempt >= MAX_ATTEMPTS
    yield "fail", _unclaimed(world, state=FINAL if ends else READY, attempt=world.attempt)
    yield "release", _given_back(world)


def _membership(world: World, index: int) -> Iterator[Step]:
    """Declared dead, in one transaction with the rescue of what it held; then a new identity."""
    worker = world.workers[index]
    if worker.is_alive:
        gone = _with(world, index, is_alive=False)
        owned = (world.state, world.owner) == (RUNNING, worker.identity)
        rescued = _given_back(gone) if owned else gone
        yield Step(f"declare dead {index}", rescued, is_fault=worker.has_process)
        return
    fresh = _fresh((world.owner, *(one.identity for one in world.workers)))
    # What its threads still run, they run on.
    again = _with(world, index, identity=fresh, is_alive=True, has_process=True)
    yield Step(f"start over {index}", again)


def _crash(world: World, index: int) -> Step:
    return Step(f"crash {index}", _with(world, index, has_process=False, runs=()), is_fault=True)


def _reconciliation(world: World, index: int) -> Iterator[Step]:
    """A heartbeat gives back what runs under this worker's name and is not in its hands."""
    worker = world.workers[index]
    beats = worker.is_alive and worker.has_process
    owned = (world.state, world.owner) == (RUNNING, worker.identity)
    if beats and owned and world.token not in {run.token for run in worker.runs}:
        yield Step(f"reconcile {index}", _given_back(world))


def _sweep(world: World) -> Iterator[Step]:
    living = {worker.identity for worker in world.workers if worker.is_alive}
    if world.state == RUNNING and world.owner not in living:
        yield Step("sweep", _given_back(world))


def _given_back(world: World) -> World:
    """Nobody's attempt is spent on what was not the job's fault."""
    return _unclaimed(world, state=READY, attempt=world.attempt - 1)


def _unclaimed(world: World, *, state: str, attempt: int) -> World:
    return world._replace(state=state, attempt=attempt, token=NOBODY, owner=NOBODY)


def _with(world: World, index: int, **changes: Any) -> World:
    workers = list(world.workers)
    workers[index] = workers[index]._replace(**changes)
    return world._replace(workers=tuple(workers))


def _fresh(known: Iterable[int]) -> int:
    """Never used before, as a UUID is."""
    return max((0, *known)) + 1


def essence(world: World, rules: Rules) -> World:
    """Forget what no step can ever tell apart again, so that the number of worlds is finite.

    A token or an identity that is not current never becomes current again; and a remembered attempt
    matters only where the fence looks at it.
    """
    current = {world.token: 1, NOBODY: NOBODY}
    names = {worker.identity: index for index, worker in enumerate(world.workers)}

    def of(run: Run) -> Run:
        attempt = run.attempt if rules.fence == "attempt" else 0
        return Run(current.get(run.token, GONE), attempt, names.get(run.identity, GONE))

    return world._replace(
        token=current[world.token],
        owner=NOBODY if world.owner == NOBODY else names.get(world.owner, GONE),
        workers=tuple(
            worker._replace(identity=index, runs=tuple(sorted(map(of, worker.runs))))
            for index, worker in enumerate(world.workers)
        ),
    )
