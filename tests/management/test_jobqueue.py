"""`manage.py jobqueue` and its subcommands, in this process."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from django_jobqueue import Queue
from django_jobqueue.management.subcommands import SUBCOMMANDS
from django_jobqueue.models import WorkerRecord
from django_jobqueue.store.sessions import PsycopgSession
from tests.store.helpers import LONG_AGO, make_job, register_worker

pytestmark = pytest.mark.django_db


def jobqueue(*arguments: str) -> tuple[int, str]:
    """Run it; return its exit status and what it printed."""
    printed = StringIO()
    try:
        call_command("jobqueue", *arguments, stdout=printed)
    except SystemExit as end:
        return int(str(end.code)), printed.getvalue()
    return 0, printed.getvalue()


@pytest.fixture
def _worker():
    register_worker()
    WorkerRecord.objects.update(queues=[])


def test_subcommands_have_names_of_their_own():
    names = [subcommand.name for subcommand in SUBCOMMANDS]

    assert names == list(dict.fromkeys(names))


def test_without_a_subcommand_it_says_what_there_is():
    with pytest.raises(CommandError, match="SUBCOMMAND"):
        call_command("jobqueue")


class TestHealth:
    @pytest.mark.usefixtures("_worker")
    def test_a_healthy_site(self):
        make_job(queue="mail")
        make_job(queue="reports", ready_at=LONG_AGO)
        Queue("reports").pause("deploy")

        status, printed = jobqueue("health", "--max-age", "60", "--max-backlog", "10")

        first, dead, mail, reports, last = printed.splitlines()
        assert (status, last) == (0, "healthy")
        assert first.startswith("workers: 1, the oldest heartbeat ")
        assert dead == "dead letters in the last hour: 0"
        assert mail.startswith("queue 'mail': 1 ready, for up to ")
        assert reports.endswith(" s, paused")

    @pytest.mark.usefixtures("_worker")
    @pytest.mark.parametrize("limit", [("--max-age", "60"), ("--max-backlog", "1")])
    def test_a_site_that_does_not_keep_up(self, limit):
        for _ in range(2):
            make_job(queue="mail", ready_at=LONG_AGO)

        status, printed = jobqueue("health", *limit)

        *_, complaint, last = printed.splitlines()
        assert (status, last) == (1, "unhealthy")
        assert complaint.startswith("queue 'mail': ")

    @pytest.mark.postgresql
    @pytest.mark.usefixtures("_worker")
    def test_a_snapshot_that_is_held_for_long_is_a_complaint(self):
        session = PsycopgSession("default", prepared=False, name="tests: a report")
        try:
            session.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            session.connection.execute("SELECT 'the report'")
            pid = session.connection.info.backend_pid
            status, printed = jobqueue("health", "--max-snapshot-age", "0", "--format", "json")
            default = jobqueue("health")
        finally:
            session.close()

        told = json.loads(printed)
        assert status == 1
        [complaint] = told["complaints"]
        assert f"pid {pid}, idle in transaction: \"SELECT 'the report'\"" in complaint
        assert told["numbers"]["held_snapshot"]["pid"] == pid
        assert (default[0], default[1].splitlines()[-1]) == (0, "healthy")

    @pytest.mark.postgresql
    @pytest.mark.usefixtures("_worker")
    def test_a_snapshot_whose_age_may_not_be_seen_is_told_and_not_judged(self):
        session = PsycopgSession("default", prepared=False, name="tests: a report")
        with connection.cursor() as cursor:
            cursor.execute("CREATE ROLE jobqueue_tests_shy IN ROLE pg_read_all_data")
            cursor.execute("SET LOCAL ROLE jobqueue_tests_shy")
        try:
            session.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            session.connection.execute("SELECT 'the report'")
            status, printed = jobqueue("health", "--max-snapshot-age", "0")
        finally:
            session.close()

        assert status == 0
        assert "the oldest snapshot, of unknown age, is held by connection 'tests: a rep" in printed
        assert "SELECT" not in printed

    def test_a_site_without_workers(self):
        status, printed = jobqueue("health")

        assert (status, printed.splitlines()[0]) == (1, "workers: 0")

    @pytest.mark.usefixtures("_worker")
    def test_only_the_named_queues_are_looked_at(self):
        make_job(queue="mail", ready_at=LONG_AGO)

        assert jobqueue("health", "--max-age", "60", "--queue", "reports")[0] == 0
        assert jobqueue("health", "--max-age", "60", "--queue", "mail", "--queue", "x")[0] == 1

    def test_the_same_as_json(self):
        make_job(queue="mail", ready_at=LONG_AGO)

        status, printed = jobqueue("health", "--format", "json", "--max-age", "1.5")
        told = json.loads(printed)

        assert status == 1
        assert (told["healthy"], len(told["complaints"])) == (False, 2)
        assert told["numbers"]["workers"] == 0
        assert told["numbers"]["oldest_heartbeat"] is None
        assert [one["queue"] for one in told["numbers"]["queues"]] == ["mail"]

    @pytest.mark.parametrize(
        "wrong",
        [
            ("--max-age", "soon"),
            ("--max-age", "-1"),
            ("--max-age", "nan"),
            ("--max-age", "1e300"),
            ("--max-snapshot-age", "-1"),
            ("--max-backlog", "-1"),
            ("--max-backlog", "1.5"),
            ("--queue", ""),
            ("--queue", "nul\x00"),
            ("--format", "xml"),
        ],
    )
    def test_bad_input_is_refused(self, wrong):
        with pytest.raises(CommandError) as refused:
            jobqueue("health", *wrong)

        assert refused.value.returncode in (1, 2)

    def test_a_database_that_does_not_answer_is_told_with_a_status_of_its_own(self):
        def fail(*args: object) -> None:
            raise OperationalError("connection refused")

        with connection.execute_wrapper(fail), pytest.raises(CommandError) as failed:
            jobqueue("health")

        assert failed.value.returncode == 3
        assert str(failed.value) == "the database 'default' does not answer: connection refused"
