"""Tasks in a module of which nothing knows but the OPTIONS of a test."""

from django.test import override_settings

from django_jobqueue.backends.framework import base
from tests.tasks import task

of_django = f"{base.__package__}.backends.dummy.DummyBackend"
with override_settings(TASKS={"default": {"BACKEND": of_django}}):

    @task
    def of_another_backend() -> str:
        return "ran"


@task
def further() -> None: ...
