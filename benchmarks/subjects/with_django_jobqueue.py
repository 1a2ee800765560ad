"""This project, with one handler in its default settings; the tuning is its concurrency."""

import os
import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[2]))
os.environ["DATABASE_URL"] = os.environ["SUBJECT_URL"]
os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - once Django is set up
from script import main  # noqa: E402

from benchmarks.jobs import noted  # noqa: E402
from django_jobqueue.models import ArchivedJob, DeadJob, Job  # noqa: E402


class JobqueueSubject:
    def install(self) -> None:
        call_command("migrate", verbosity=0)

    def enqueue(self, number: int) -> None:
        noted.enqueue(number=number)

    def enqueue_many(self, numbers: range) -> None:
        noted.enqueue_many({"number": number} for number in numbers)

    def work(self, tuning: int) -> None:
        call_command("runjobs", processes=0, concurrency=tuning)

    def left(self) -> int:
        not_well = ArchivedJob.objects.exclude(state="succeeded", attempt=1)
        return Job.objects.count() + DeadJob.objects.count() + not_well.count()


if __name__ == "__main__":
    main(JobqueueSubject())
