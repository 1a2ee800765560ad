"""django-ox; the tuning is its concurrency."""

import logging

from django_site import set_up
from script import main

set_up(apps=["django_ox"], backend="django_ox.backend.OxBackend")

from django.core.management import call_command  # noqa: E402 - once Django is set up
from noop_tasks import noop  # noqa: E402


class DjangoOxSubject:
    def install(self) -> None:
        call_command("migrate", verbosity=0)

    def enqueue(self, number: int) -> None:
        noop.enqueue(number)

    def enqueue_many(self, numbers: range) -> None:
        from django_ox.bulk import enqueue_many

        enqueue_many(noop, [((number,), {}) for number in numbers])

    def work(self, tuning: int) -> None:
        logging.disable(logging.INFO)
        call_command("ox_worker", concurrency=tuning, verbosity=0)

    def left(self) -> int:
        from django_ox.models import OxTask

        return OxTask.objects.exclude(status="SUCCESSFUL").count()


if __name__ == "__main__":
    main(DjangoOxSubject())
