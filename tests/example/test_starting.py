from pathlib import Path

import pytest
from django.db import transaction

from django_jobqueue.models import Job
from example_project.census.models import Census
from example_project.census.progress import progress_of
from example_project.census.starting import NothingToCount, start_census

from .conftest import waiting_jobs

pytestmark = pytest.mark.django_db


def test_a_census_has_one_job_for_each_file_and_three_kinds_beside(folder: Path):
    info = folder / "shop-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1\n")

    census = start_census([folder])

    assert census.files_found == 3
    paths = [job.payload["kwargs"]["path"] for job in waiting_jobs("analyse_file")]
    assert paths == [str(folder / name) for name in ("tool.py", "shop/__init__.py", "shop/cart.py")]
    assert len(waiting_jobs("summarise_census")) == 1
    assert len(waiting_jobs("publish_report")) == 1
    assert [job.payload["kwargs"]["name"] for job in waiting_jobs("check_distribution")] == ["shop"]


def test_every_job_bears_the_fingerprint_of_its_census(folder: Path):
    first, second = start_census([folder]), start_census([folder], limit=1)

    assert progress_of(first).total == 5
    assert progress_of(second).total == 3
    assert Job.objects.count() == 8


def test_a_rollback_leaves_neither_census_nor_jobs(folder: Path):
    with transaction.atomic():
        start_census([folder])
        transaction.set_rollback(True)

    assert not Census.objects.exists()
    assert not Job.objects.exists()


def test_a_failure_to_enqueue_leaves_no_census(folder: Path, settings):
    settings.JOBQUEUE = {"MAX_PAYLOAD_BYTES": 1}

    with pytest.raises(Exception, match="bytes"):
        start_census([folder])

    assert not Census.objects.exists()


def test_the_limit_holds_for_each_folder(folder: Path):
    assert start_census([folder, folder / "shop"], limit=1).files_found == 2


def test_a_folder_without_such_files_is_refused(folder: Path):
    with pytest.raises(NothingToCount, match=r"has a name like \*\.rb"):
        start_census([folder], pattern="*.rb")
