"""What the first enqueue of a process has to wait for: in a web server, a request does."""

import os
import subprocess
import sys

import pytest

from tests.acceptance.processes import url_of_the_suite

#: Prints the modules that the first enqueue has imported.
FIRST_ENQUEUE = """
import sys
import django
django.setup()
from django.db import connection
from tests.acceptance.jobs import work
connection.ensure_connection()
before = set(sys.modules)
work.enqueue(number=1)
print(*(set(sys.modules) - before))
"""


@pytest.mark.django_db(transaction=True)
def test_the_first_enqueue_of_a_process_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.acceptance.settings")
    monkeypatch.setenv("DATABASE_URL", url_of_the_suite())

    done = subprocess.run(
        [sys.executable, "-c", FIRST_ENQUEUE], capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "settings",
    ["JOBQUEUE = {'DATABASE': 'elsewhere'}", "JOBQUEUE = {'LEASE': 'long'}"],
    ids=["a database that is not declared", "a setting that cannot be read"],
)
def test_a_site_with_wrong_settings_starts_and_its_checks_say_what_is_wrong(
    settings, tmp_path
) -> None:
    (tmp_path / "wrong_settings.py").write_text(f"from tests.settings import *\n{settings}\n")
    environment = {"DJANGO_SETTINGS_MODULE": "wrong_settings", "PYTHONPATH": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-m", "django", "check"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )

    assert "(jobqueue.E00" in done.stderr
