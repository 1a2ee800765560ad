"""The task of the subjects that are backends of Django's tasks."""

from calls import called

try:
    from django.tasks import task
except ImportError:  # before Django 6
    from django_tasks import task


@task
def noop(number: int) -> None:
    called(number)
