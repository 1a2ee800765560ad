"""Celery with Redis, results ignored; the tuning is the number of its processes."""

import os

from calls import called
from celery import Celery
from script import main

URL = os.environ["SUBJECT_URL"]

app = Celery("with_celery", broker=URL)
app.conf.update(
    task_ignore_result=True,
    # What the documentation advises where tasks are many and short.
    worker_prefetch_multiplier=128,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="noop")
def noop(number: int) -> None:
    called(number)


class CelerySubject:
    def install(self) -> None:
        with app.connection_for_write() as connection:
            connection.default_channel.client.flushall()

    def enqueue(self, number: int) -> None:
        noop.delay(number)

    def enqueue_many(self, numbers: range) -> None:
        # One connection and producer for all: a group adds bookkeeping that nobody needs here.
        with app.producer_pool.acquire(block=True) as producer:
            for number in numbers:
                noop.apply_async((number,), producer=producer)

    def work(self, tuning: int) -> None:
        app.worker_main(
            [
                "worker",
                f"--concurrency={tuning}",
                "--loglevel=ERROR",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
            ]
        )

    def left(self) -> int:
        with app.connection_for_read() as connection:
            redis = connection.default_channel.client
            return int(redis.llen("celery") + redis.hlen("unacked"))


if __name__ == "__main__":
    main(CelerySubject())
