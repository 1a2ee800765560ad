"""Many simulated idle workers: each repeats, over one connection, what a real one was seen to ask.

`python -m benchmarks.replay PLAN RESULT` is the process that does it.
"""

import asyncio
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psycopg

from django_jobqueue.core.clock import monotonic

from .processes import family, processor_seconds
from .statements import Statement

#: Between the last connection and the first look: by then their statements are prepared.
WARM_UP_SECONDS = 10.0
#: How many connect at once.
CONNECTING = 20


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction, and how many seconds after the beginning of the recording it began."""

    after: float
    statements: Sequence[tuple[str, Sequence[str | None]]]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker `recorded` asked in so many seconds, which `workers` are to repeat while they
    are watched.
    """

    recorded: str
    steps: Sequence[Step]
    seconds: float
    workers: Sequence[str]
    watched_seconds: float
    server_pid: int


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it: the processor seconds of the server and of the simulation, how long each
    statement took, and how late each transaction was, in milliseconds.
    """

    seconds: float
    server_processor_seconds: float
    own_processor_seconds: float
    milliseconds: Sequence[float]
    late_milliseconds: Sequence[float]


def steps_of(statements: Sequence[Statement], *, since: float) -> list[Step]:
    """Return the transactions of these statements in the order in which they began.

    Those of different sessions may overlap; over one connection they come one after another.
    """
    open_ones: dict[int, list[Statement]] = {}
    found: list[list[Statement]] = []
    for one in statements:
        transaction = open_ones.get(one.session)
        if transaction is None:
            found.append(transaction := [])
        transaction.append(one)
        if one.text.startswith("BEGIN"):
            open_ones[one.session] = transaction
        elif one.text.startswith(("COMMIT", "ROLLBACK")):
            open_ones.pop(one.session, None)
    return [
        Step(
            after=max(0.0, transaction[0].at - since),
            statements=[(one.text, one.parameters) for one in transaction],
        )
        for transaction in found
    ]


class Simulation:
    """The workers of a plan, each a task."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._milliseconds: list[float] = []
        self._late: list[float] = []
        self._connecting = asyncio.Semaphore(CONNECTING)

    async def run(self) -> Replayed:
        """Let all connect and work; return what was seen while they were watched."""
        connections = await asyncio.gather(*(self._connect() for _ in self._plan.workers))
        tasks = [
            asyncio.create_task(self._work(connection, worker_id))
            for connection, worker_id in zip(connections, self._plan.workers, strict=True)
        ]
        await asyncio.sleep(WARM_UP_SECONDS)
        replayed = await self._watched()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in connections:
            await connection.close()
        return replayed

    async def _watched(self) -> Replayed:
        servers = family(self._plan.server_pid)
        self._milliseconds.clear()
        self._late.clear()
        began, used, own = monotonic(), processor_seconds(servers), os.times()
        await asyncio.sleep(self._plan.watched_seconds)
        ended = os.times()
        return Replayed(
            seconds=monotonic() - began,
            server_processor_seconds=processor_seconds(servers) - used,
            own_processor_seconds=ended.user + ended.system - own.user - own.system,
            milliseconds=list(self._milliseconds),
            late_milliseconds=list(self._late),
        )

    async def _connect(self) -> psycopg.AsyncConnection[object]:
        async with self._connecting:
            return await psycopg.AsyncConnection.connect(
                os.environ["DATABASE_URL"], autocommit=True, cursor_factory=psycopg.AsyncRawCursor
            )

    async def _work(self, connection: psycopg.AsyncConnection[object], worker_id: str) -> None:
        plan = self._plan
        # Not in step: each begins somewhere in the middle.
        came_at = monotonic()
        begins = came_at - random.uniform(0, plan.seconds)
        while True:
            for step in plan.steps:
                due = begins + step.after
                if due < came_at:
                    continue
                await asyncio.sleep(max(0.0, due - monotonic()))
                self._late.append(1000 * (monotonic() - due))
                await self._ask(connection, step, worker_id)
            begins += plan.seconds

    async def _ask(
        self, connection: psycopg.AsyncConnection[object], step: Step, worker_id: str
    ) -> None:
        recorded = self._plan.recorded
        for text, parameters in step.statements:
            asked = monotonic()
            await connection.execute(
                text.replace(recorded, worker_id).encode(),
                [worker_id if one == recorded else one for one in parameters] or None,
                prepare=bool(parameters),
            )
            self._milliseconds.append(1000 * (monotonic() - asked))


def main(plan: str, result: str) -> None:
    """Carry out the plan in one file and write what became of it to the other."""
    simulation = Simulation(msgspec.json.decode(Path(plan).read_bytes(), type=Plan))
    Path(result).write_bytes(msgspec.json.encode(asyncio.run(simulation.run())))


if __name__ == "__main__":
    main(*sys.argv[1:])
