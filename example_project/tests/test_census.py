from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import time_machine
from django.test import TestCase, override_settings
from freezegun import freeze_time

from django_jobqueue import JobState, run_now
from django_jobqueue.testing import (
    JobsMixin,
    assert_enqueued,
    declare_schedules,
    make_job,
    refute_enqueued,
    run_jobs,
)
from example_project import settings as site
from example_project.census.jobs import (
    CensusIncomplete,
    analyse_file,
    check_distribution,
    count_usual_folders,
    publish_report,
    summarise_census,
)
from example_project.census.models import Census, DistributionReport, FileReport
from example_project.census.starting import start_census

EVENING = datetime(2031, 3, 1, 20, tzinfo=UTC)
SOURCES = {
    "shop/cart.py": "def total(prices):\n    return sum(prices)\n",
    "shop/__init__.py": "",
    "tool.py": '"""A tool."""\n',
    "tool-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: tool\nVersion: 1\n",
    "tool-1.dist-info/RECORD": "tool.py,,\n",
}


class CensusTestCase(TestCase):
    """A folder of three files and a distribution, the only one that may be counted."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.enterContext(TemporaryDirectory())).resolve()
        for name, text in SOURCES.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        folders, reports = [self.folder], self.folder / "reports"
        settings = override_settings(
            JOBQUEUE=site.JOBQUEUE,
            CENSUS_ROOTS=folders,
            CENSUS_FOLDERS=folders,
            CENSUS_REPORTS=reports,
        )
        self.enterContext(settings)


class StartingTests(CensusTestCase):
    def test_a_census_enqueues_a_job_for_each_file(self) -> None:
        census = start_census([self.folder])

        assert_enqueued(analyse_file, kwargs={"census_id": census.pk}, count=3)
        assert_enqueued(analyse_file, kwargs={"path": str(self.folder / "tool.py")})
        assert_enqueued(check_distribution, kwargs={"name": "tool"}, count=1)
        assert_enqueued(summarise_census, priority=20)
        refute_enqueued(count_usual_folders)

    def test_who_asks_for_a_summary_meanwhile_gets_the_one_that_is_under_way(self) -> None:
        census = start_census([self.folder])

        again = summarise_census.enqueue(census_id=census.pk)

        assert not again.created
        assert_enqueued(summarise_census, count=1)


class CountingTests(CensusTestCase):
    def test_a_census_is_counted_summarised_and_published(self) -> None:
        census = start_census([self.folder])

        runs = run_jobs(until=timedelta(minutes=1))

        assert runs.of(analyse_file).counts == {"succeeded": 3}
        assert runs.of(check_distribution).counts == {"succeeded": 1}
        assert runs.of(summarise_census).counts == {"snoozed": 1, "succeeded": 1}
        census.refresh_from_db()
        assert (census.is_complete, DistributionReport.objects.count()) == (True, 1)
        assert (self.folder / "reports" / census.report_name).exists()

    def test_the_report_waits_longer_each_time_until_the_census_is_complete(self) -> None:
        census = start_census([self.folder])
        for job in assert_enqueued(analyse_file):
            analyse_file.using(delay=40).enqueue(**job.payload["kwargs"])  # type: ignore[index]

        with freeze_time(EVENING) as frozen:
            runs = run_jobs(queue="default", until=timedelta(minutes=2), clock=frozen)

        attempts = runs.of(publish_report)
        assert attempts[-1].outcome == "succeeded"
        assert {type(run.error) for run in attempts[:-1]} == {CensusIncomplete}
        census.refresh_from_db()
        assert census.report_name

    def test_a_file_that_is_being_replaced_is_read_half_a_second_later(self) -> None:
        start_census([self.folder])
        tool = self.folder / "tool.py"
        tool.rename(self.folder / "tool.py.new")

        with time_machine.travel(EVENING, tick=False) as traveller:
            [first] = [run for run in run_jobs().of(analyse_file) if run.outcome == "failed"]
            assert isinstance(first.error, FileNotFoundError)
            (self.folder / "tool.py.new").rename(tool)
            assert not run_jobs().of(analyse_file)

            traveller.shift(0.5)
            assert run_jobs().of(analyse_file).counts == {"succeeded": 1}

        assert FileReport.objects.count() == 3

    def test_a_file_that_nobody_can_read_is_a_dead_letter_at_once(self) -> None:
        (self.folder / "tool.py").write_text("def broken(:\n")
        start_census([self.folder])

        [run] = [run for run in run_jobs().of(analyse_file) if run.outcome == "dead"]

        assert isinstance(run.error, SyntaxError)
        assert run.job is not None
        assert (run.job.attempt, run.job.reason) == (1, "discarded")

    def test_the_jobs_of_a_census_that_was_deleted_are_cancelled(self) -> None:
        start_census([self.folder / "shop"]).delete()

        assert run_jobs(until=timedelta(minutes=5)).counts == {"cancelled": 4}

    def test_a_report_that_waits_out_its_backoff_can_be_called(self) -> None:
        census = Census.objects.create(
            folders=[str(self.folder)],
            files_found=0,
            is_complete=True,
            summary={"totals": {"files": 0}},
        )
        waiting = make_job(
            publish_report,
            kwargs={"census_id": census.pk},
            state="scheduled",
            attempt=7,
            error=CensusIncomplete(census.pk, files_left=3),
        )
        assert not run_jobs()

        run_now(waiting.snapshot.id)

        [run] = run_jobs()
        assert run.attempt == 8


class ScheduleTests(CensusTestCase):
    def test_the_usual_folders_are_counted_each_night(self) -> None:
        with freeze_time(EVENING) as frozen:
            declare_schedules()
            runs = run_jobs(until=timedelta(days=2), clock=frozen)

        slots = [run.job.slot for run in runs.of(count_usual_folders) if run.job and run.job.slot]
        assert [slot.strftime("%d. %H:%M") for slot in slots] == ["02. 03:30", "03. 03:30"]
        assert Census.objects.filter(is_complete=True).count() == 2


class PageTests(JobsMixin, CensusTestCase):
    jobs_mode = "inline"

    def test_a_census_that_was_started_is_counted_by_the_time_that_it_is_looked_at(self) -> None:
        census = start_census([self.folder])

        assert FileReport.objects.filter(census=census).count() == 3
        states = {run.job.state for run in self.job_runs.of(analyse_file) if run.job}
        assert states == {JobState.SUCCEEDED}
