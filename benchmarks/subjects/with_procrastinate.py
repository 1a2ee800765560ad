"""procrastinate on psycopg; the tuning is its concurrency."""

import asyncio
import os
from typing import Any

from calls import called
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from script import main


def app_with(connector: Any) -> App:
    app = App(connector=connector)

    @app.task(name="noop")
    async def noop(number: int) -> None:
        called(number)

    return app


class ProcrastinateSubject:
    def __init__(self) -> None:
        self._url = os.environ["SUBJECT_URL"]
        self._opened: App | None = None

    def install(self) -> None:
        self._app().schema_manager.apply_schema()

    def enqueue(self, number: int) -> None:
        self._app().configure_task("noop").defer(number=number)

    def enqueue_many(self, numbers: range) -> None:
        calls = [{"number": number} for number in numbers]
        self._app().configure_task("noop").batch_defer(*calls)

    def work(self, tuning: int) -> None:
        asyncio.run(self._work(tuning))

    def left(self) -> int:
        list_jobs = self._app().job_manager.list_jobs
        return sum(len(list(list_jobs(status=one))) for one in ("todo", "doing", "failed"))

    def _app(self) -> App:
        if self._opened is None:
            self._opened = app_with(SyncPsycopgConnector(conninfo=self._url))
            self._opened.open()
        return self._opened

    async def _work(self, concurrency: int) -> None:
        connector = PsycopgConnector(conninfo=self._url, min_size=4, max_size=max(4, concurrency))
        app = app_with(connector)
        async with app.open_async():
            await app.run_worker_async(concurrency=concurrency)


if __name__ == "__main__":
    main(ProcrastinateSubject())
