"""huey with its SQLite storage, which leaves syncing to the system: its fastest setting, and less
durable than that of the others. The tuning is the number of its threads.
"""

import os

from calls import called
from huey import SqliteHuey
from script import main

FILE = os.environ["SUBJECT_URL"].removeprefix("sqlite:///")
huey = SqliteHuey(filename=FILE, fsync=False, timeout=20)


@huey.task()
def noop(number: int) -> None:
    called(number)


class HueySubject:
    def install(self) -> None:
        huey.storage.initialize_schema()

    def enqueue(self, number: int) -> None:
        noop(number)

    def enqueue_many(self, numbers: range) -> None:
        for number in numbers:  # it has no call for many
            noop(number)

    def work(self, tuning: int) -> None:
        huey.create_consumer(workers=tuning, periodic=False, graceful_signal="TERM").run()

    def left(self) -> int:
        return int(huey.pending_count())


if __name__ == "__main__":
    main(HueySubject())
