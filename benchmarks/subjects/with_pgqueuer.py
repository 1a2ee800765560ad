"""pgqueuer on asyncpg and uvloop; the tuning is its batch size."""

import asyncio
import os
import signal
from typing import Any

import asyncpg
import uvloop
from calls import called
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from script import main


class PgQueuerSubject:
    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._opened: Queries | None = None

    def install(self) -> None:
        self._run(self._queries().install())

    def enqueue(self, number: int) -> None:
        self._run(self._queries().enqueue("noop", str(number).encode()))

    def enqueue_many(self, numbers: range) -> None:
        payloads = [str(number).encode() for number in numbers]
        count = len(payloads)
        self._run(self._queries().enqueue(["noop"] * count, payloads, [0] * count))

    def work(self, tuning: int) -> None:
        self._run(self._work(tuning))

    def left(self) -> int:
        return int(self._run(self._left()))

    def _run(self, coroutine: Any) -> Any:
        return self._loop.run_until_complete(coroutine)

    def _queries(self) -> Queries:
        if self._opened is None:
            connection = self._run(asyncpg.connect(os.environ["SUBJECT_URL"]))
            self._opened = Queries(AsyncpgDriver(connection))
        return self._opened

    async def _work(self, batch_size: int) -> None:
        connection = await asyncpg.connect(os.environ["SUBJECT_URL"])
        queue = PgQueuer(AsyncpgDriver(connection))

        @queue.entrypoint("noop")
        async def noop(job: Any) -> None:
            called(int(job.payload))

        self._loop.add_signal_handler(signal.SIGTERM, queue.shutdown.set)
        await queue.run(batch_size=batch_size)

    async def _left(self) -> Any:
        connection = await asyncpg.connect(os.environ["SUBJECT_URL"])
        return await connection.fetchval("SELECT count(*) FROM pgqueuer")


if __name__ == "__main__":
    main(PgQueuerSubject())
