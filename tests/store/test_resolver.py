"""Which store serves which database."""

import pytest
from django.db import connections

from django_jobqueue.core.errors import InvalidSettings
from django_jobqueue.store import store_for
from django_jobqueue.store.postgresql import PostgreSQLStore
from django_jobqueue.store.sqlite import SQLiteStore


@pytest.mark.parametrize(
    ("vendor", "kind"), [("postgresql", PostgreSQLStore), ("sqlite", SQLiteStore)]
)
def test_each_vendor_has_its_store(
    vendor: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections["default"], "vendor", vendor)

    store = store_for("default")

    assert type(store) is kind
    assert store.using == "default"
    assert store_for("default") is store


def test_a_database_that_cannot_keep_jobs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "oracle")

    with pytest.raises(InvalidSettings, match=r"'oracle' .* postgresql or sqlite"):
        store_for("default")
