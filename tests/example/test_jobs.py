"""The handlers, called as the functions they still are."""

from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

from django_jobqueue import Cancel, Discard, Snooze, Unprocessable, registry
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.schedules import NewSchedule
from django_jobqueue.jobs.declarations import declarations
from django_jobqueue.models import Job
from example_project import settings as example_settings
from example_project.census.jobs import (
    CensusIncomplete,
    analyse_file,
    check_distribution,
    count_usual_folders,
    summarise_census,
)
from example_project.census.models import Census, DistributionReport, FileReport
from example_project.census.progress import files_left
from example_project.census.publishing import publish
from example_project.census.starting import start_census

pytestmark = pytest.mark.django_db


@pytest.fixture
def census(folder: Path) -> Census:
    return start_census([folder])


def count_files(census: Census, folder: Path) -> None:
    """Do what the worker would: run the jobs of the files, which then are not live any more."""
    for path in sorted(folder.rglob("*.py")):
        analyse_file(census_id=census.pk, path=str(path))
    Job.objects.filter(handler="census.analyse_file").delete()


class TestAnalysing:
    def test_the_facts_of_a_file_are_stored_under_its_path(self, census: Census, folder: Path):
        analyse_file(census_id=census.pk, path=str(folder / "shop/cart.py"))

        report = FileReport.objects.get()
        assert (report.path, report.package) == ("sources/shop/cart.py", "shop")
        assert (report.lines, report.functions, report.imports) == (6, 1, ["os"])

    def test_a_second_run_stores_no_second_report(self, census: Census, folder: Path):
        path = folder / "tool.py"
        analyse_file(census_id=census.pk, path=str(path))
        path.write_text("x = 1\ny = 2\n")
        analyse_file(census_id=census.pk, path=str(path))

        assert FileReport.objects.get().lines == 2

    def test_bytes_that_are_not_what_the_file_declares_are_unprocessable(
        self, census: Census, folder: Path
    ):
        (folder / "latin.py").write_bytes('"""\nZürich"""'.encode("latin-1"))

        with pytest.raises(Unprocessable, match="not what the file declares"):
            analyse_file(census_id=census.pk, path=str(folder / "latin.py"))

    def test_a_file_outside_the_folders_is_not_opened(self, census: Census, tmp_path: Path):
        with pytest.raises(Discard, match="leads out of the folders"):
            analyse_file(census_id=census.pk, path=str(tmp_path / "secret.py"))

    def test_a_file_of_absurd_size_is_not_read(self, census: Census, folder: Path):
        with (folder / "huge.py").open("wb") as file:
            file.truncate(20_000_001)

        with pytest.raises(Unprocessable, match="20,000,001 bytes"):
            analyse_file(census_id=census.pk, path=str(folder / "huge.py"))

    def test_a_deleted_census_cancels_its_jobs(self, folder: Path):
        with pytest.raises(Cancel, match="was deleted"):
            analyse_file(census_id=404, path=str(folder / "tool.py"))


class TestCheckingDistributions:
    async def check(self, census: Census, name: str, folder: Path) -> None:
        await check_distribution(census_id=census.pk, name=name, folder=str(folder))

    def test_what_was_found_is_stored_once(self, census: Census, folder: Path):
        info = folder / "shop-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1\n")
        (info / "RECORD").write_text("gone.py,sha256=AAAA,4\n")

        for _ in range(2):
            async_to_sync(self.check)(census, "shop", folder)

        report = DistributionReport.objects.get()
        assert (str(report), report.missing) == ("shop 1", ["gone.py"])

    def test_one_that_is_gone_is_no_failure(self, census: Census, folder: Path):
        with pytest.raises(Cancel, match="no distribution named gone"):
            async_to_sync(self.check)(census, "gone", folder)


class TestSummarising:
    def test_it_comes_back_while_files_are_left(self, census: Census, folder: Path):
        analyse_file(census_id=census.pk, path=str(folder / "tool.py"))

        answer = summarise_census(census_id=census.pk)

        assert isinstance(answer, Snooze)
        census.refresh_from_db()
        assert not census.is_complete
        assert census.summary["totals"]["files"] == 1

    def test_after_the_last_file_it_answers_the_totals(self, census: Census, folder: Path):
        count_files(census, folder)

        totals = summarise_census(census_id=census.pk)

        assert isinstance(totals, dict)
        assert (totals["files"], totals["lines"], totals["packages"]) == (3, 7, 2)
        census.refresh_from_db()
        assert census.is_complete
        assert [row["name"] for row in census.summary["packages"]] == ["shop", "tool"]
        assert sum(row["files"] for row in census.summary["file_sizes"]) == 3
        assert census.summary["imports"] == [{"name": "os", "files": 1}]

    def test_a_report_that_waits_out_its_backoff_is_hurried(self, census: Census, folder: Path):
        count_files(census, folder)
        waiting = Job.objects.filter(handler="census.publish_report")
        waiting.update(state="scheduled", run_at="2100-01-01T00:00:00Z")

        summarise_census(census_id=census.pk)

        assert waiting.get().state == "ready"

    def test_asking_twice_enqueues_one_job(self, census: Census):
        again = summarise_census.enqueue(census_id=census.pk)

        assert not again.created

    def test_a_census_of_which_nothing_is_known_has_totals_of_zero(self, census: Census):
        Job.objects.all().delete()

        totals = summarise_census(census_id=census.pk)

        assert isinstance(totals, dict)
        assert set(totals.values()) == {0}


class TestPublishing:
    def test_the_report_tells_what_was_found(self, census: Census, folder: Path, tmp_path: Path):
        count_files(census, folder)
        summarise_census(census_id=census.pk)
        census.refresh_from_db()

        name = publish(census, folder=tmp_path / "reports")

        text = (tmp_path / "reports" / name).read_text()
        assert "3 of 3 files were counted" in text
        assert "| shop | 2 | 6 |" in text
        assert [path.name for path in (tmp_path / "reports").iterdir()] == [name]
        census.refresh_from_db()
        assert census.report_name == name

    def test_an_early_report_says_what_it_waits_for(self):
        assert "1,200 files of census 7 are still" in str(CensusIncomplete(7, files_left=1200))
        assert "not added up yet" in str(CensusIncomplete(7, files_left=0))


def test_the_nightly_census_counts_the_usual_folders(folder: Path):
    census = Census.objects.get(pk=count_usual_folders())

    assert census.folders == [str(folder)]
    assert files_left(census) == census.files_found


def test_the_settings_of_the_site_declare_it():
    settings = JobQueueSettings.load(example_settings.JOBQUEUE)
    declared = dict(declarations(registry, settings))["nightly census"]
    assert isinstance(declared, NewSchedule), declared
