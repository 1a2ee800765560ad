"""Storing results. A job may run twice, so every write is an upsert."""

from dataclasses import asdict
from pathlib import Path

from .analysis import SourceFacts
from .discovery import package_of
from .distributions import DistributionFacts
from .models import Census, DistributionReport, FileReport

_FACTS = tuple(SourceFacts.__dataclass_fields__)
_LONGEST_NAME = 255


def save_file(census: Census, path: Path, facts: SourceFacts, *, size_bytes: int) -> None:
    """Store the facts of one file under its path within the census, in one statement."""
    folder = _folder_of(census, path) or path.parent
    report = FileReport(
        census=census,
        path=displayed_path(path, census=census),
        package=package_of(path, folder=folder),
        size_bytes=size_bytes,
        **asdict(facts),
    )
    report.longest_function = report.longest_function[:_LONGEST_NAME]
    FileReport.objects.bulk_create(
        [report],
        update_conflicts=True,
        unique_fields=["census", "path"],
        update_fields=["package", "size_bytes", *_FACTS],
    )


async def save_distribution(census_id: int, facts: DistributionFacts) -> None:
    """Store what was found of one distribution."""
    found = asdict(facts)
    name = found.pop("name")
    await DistributionReport.objects.aupdate_or_create(
        census_id=census_id,
        name=name,
        defaults=found,
    )


def displayed_path(path: Path, *, census: Census) -> str:
    """Return how a file is called on pages: from its census folder on."""
    folder = _folder_of(census, path)
    return str(path) if folder is None else f"{folder.name}/{path.relative_to(folder)}"


def _folder_of(census: Census, path: Path) -> Path | None:
    """Return the innermost folder that holds the file."""
    holding = [folder for folder in census.folder_paths if path.is_relative_to(folder)]
    return max(holding, key=lambda folder: len(folder.parts), default=None)
