"""Sites that are set up well or badly, and what the checks say of them."""

from collections.abc import Collection
from typing import Any

from django.core.checks import CheckMessage, run_checks
from django.db import connections
from django.test import override_settings

SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "never_opened.sqlite3"}
POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "NAME": "never_opened"}


def found(
    *, deploy: bool = False, databases: Collection[str] = (), **jobqueue: object
) -> list[CheckMessage]:
    """What the checks of this app say of these settings; whatever it is, it has a way out."""
    with override_settings(JOBQUEUE=jobqueue):
        messages = run_checks(
            tags=["jobqueue"], include_deployment_checks=deploy, databases=databases
        )
    for message in messages:
        assert (message.id or "").startswith("jobqueue."), message
        assert message.hint, message
        assert message.is_serious() is (".E" in (message.id or ""))
    return messages


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


class AliasOf:
    """Gives an alias a database for the length of a test."""

    def __init__(self) -> None:
        self.added: list[str] = []

    def __call__(self, alias: str, **database: Any) -> None:
        connections.settings[alias] = connections.configure_settings(
            {"default": {}, alias: database}
        )[alias]
        self.added.append(alias)

    def remove(self) -> None:
        for alias in self.added:
            del connections.settings[alias]
            if hasattr(connections._connections, alias):
                connections[alias].close()
                delattr(connections._connections, alias)
