"""Starting a census: the row and all of its jobs, in one transaction."""

from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from .discovery import python_files
from .distributions import distribution_names
from .jobs import analyse_file, check_distribution, publish_report, summarise_census
from .models import Census


class NothingToCount(ValueError):
    """No file below the folders has a name that fits."""


def start_census(
    folders: Sequence[Path], *, pattern: str = "*.py", limit: int | None = None
) -> Census:
    """Store a census and enqueue its jobs: both exist, or neither does, if the caller's transaction
    is rolled back.

    At most `limit` files of each folder are counted. NothingToCount if there are none.
    """
    found = [folder.resolve() for folder in folders]
    files = [
        file for folder in found for file in python_files(folder, pattern=pattern, limit=limit)
    ]
    if not files:
        told = " and ".join(str(folder) for folder in found)
        raise NothingToCount(f"No file below {told} has a name like {pattern}.")
    installed = [(name, folder) for folder in found for name in distribution_names(folder)]
    with transaction.atomic():
        census = Census.objects.create(
            folders=[str(folder) for folder in found], pattern=pattern, files_found=len(files)
        )
        _enqueue(census, files=files, installed=installed)
    return census


def _enqueue(
    census: Census, *, files: Sequence[Path], installed: Sequence[tuple[str, Path]]
) -> None:
    label = census.fingerprint
    publish_report.using(fingerprint=label).enqueue(census_id=census.pk)
    summarise_census.using(fingerprint=label).enqueue(census_id=census.pk)
    analyse_file.using(fingerprint=label).enqueue_many(
        {"census_id": census.pk, "path": str(file)} for file in files
    )
    check_distribution.using(fingerprint=label).enqueue_many(
        {"census_id": census.pk, "name": name, "folder": str(folder)} for name, folder in installed
    )
