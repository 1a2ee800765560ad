"""django-tasks-db, which runs one task at a time: there is nothing to tune."""

from django_site import set_up
from script import main

set_up(apps=["django_tasks", "django_tasks_db"], backend="django_tasks_db.DatabaseBackend")

from django.core.management import call_command  # noqa: E402 - once Django is set up
from django.db import transaction  # noqa: E402
from noop_tasks import noop  # noqa: E402


class DjangoTasksDbSubject:
    def install(self) -> None:
        call_command("migrate", verbosity=0)

    def enqueue(self, number: int) -> None:
        noop.enqueue(number)

    def enqueue_many(self, numbers: range) -> None:
        with transaction.atomic():  # it has no call for many
            for number in numbers:
                noop.enqueue(number)

    def work(self, tuning: int) -> None:
        call_command("db_worker", verbosity=0, startup_delay=False)

    def left(self) -> int:
        from django_tasks_db.models import DBTaskResult

        return DBTaskResult.objects.exclude(status="SUCCESSFUL").count()


if __name__ == "__main__":
    main(DjangoTasksDbSubject())
