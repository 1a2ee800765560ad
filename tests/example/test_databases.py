import pytest
from django.core.exceptions import ImproperlyConfigured

from example_project.databases import database_from_url


def test_an_sqlite_url_names_an_absolute_or_a_relative_file():
    assert database_from_url("sqlite:////srv/site.sqlite3")["NAME"] == "/srv/site.sqlite3"
    assert database_from_url("sqlite:///site.sqlite3")["NAME"] == "site.sqlite3"


def test_sqlite_waits_for_its_lock_and_lets_readers_go_on():
    options = database_from_url("sqlite:////srv/site.sqlite3")["OPTIONS"]

    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"]


def test_a_postgresql_url_is_taken_apart_and_decoded():
    entry = database_from_url("postgresql://me:p%40ss@db.example:5433/site?sslmode=require")

    assert (entry["USER"], entry["PASSWORD"]) == ("me", "p@ss")
    assert (entry["HOST"], entry["PORT"], entry["NAME"]) == ("db.example", "5433", "site")
    assert entry["OPTIONS"] == {"sslmode": "require"}


def test_a_socket_folder_may_take_the_place_of_the_host():
    assert database_from_url("postgresql://me@/site?host=/run/pg")["HOST"] == "/run/pg"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me@host/site",
        "site.sqlite3",
        "sqlite://",
        "postgresql://host",
        "postgresql://h:x/n",
    ],
)
def test_a_url_that_names_no_usable_database_is_refused(url: str):
    with pytest.raises(ImproperlyConfigured, match="names no database this site can use"):
        database_from_url(url)


def test_a_refusal_does_not_tell_the_password():
    with pytest.raises(ImproperlyConfigured) as refused:
        database_from_url("mysql://me:secret@host/site")

    assert "secret" not in str(refused.value)
