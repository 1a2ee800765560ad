from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

VIEWS = ("view_job", "view_archivedjob", "view_deadjob", "view_queuerecord", "view_workerrecord")


@pytest.fixture
def staff(db) -> Callable[..., Client]:
    """Return a maker of clients: staff that may view everything here, and what is named besides."""

    def log_in(*codenames: str) -> Client:
        user = User.objects.create_user(f"staff with {codenames}", is_staff=True)
        wanted = Permission.objects.filter(
            content_type__app_label="jobqueue", codename__in=[*VIEWS, *codenames]
        )
        assert wanted.count() == len({*VIEWS, *codenames})
        user.user_permissions.set(wanted)
        client = Client()
        client.force_login(user)
        return client

    return log_in
