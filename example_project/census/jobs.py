"""The handlers of the census. Every job bears the fingerprint of its census."""

from dataclasses import dataclass
from pathlib import Path

from django_jobqueue import (
    Cancel,
    Constant,
    Discard,
    Exponential,
    JobContext,
    Snooze,
    Unprocessable,
    job,
    run_now,
)

from . import distributions, places, publishing, recording, summaries
from .analysis import analyse_source
from .discovery import is_permitted_file
from .models import Census
from .progress import ANALYSE_FILE, files_left

#: Files may grow without bound; a source file does not.
LARGEST_SOURCE = 20_000_000


@dataclass
class CensusIncomplete(Exception):
    """A report would be wrong: its census is not over."""

    census_id: int
    files_left: int

    def __str__(self) -> str:
        if not self.files_left:
            return f"census {self.census_id} is counted, but not added up yet"
        return f"{self.files_left:,} files of census {self.census_id} are still to be counted"


@job(
    name=ANALYSE_FILE,
    max_attempts=3,
    backoff=Constant(0.5),  # a file that an editor or installer is replacing is back soon
    discard_on=SyntaxError,  # no second look mends it
)
def analyse_file(census_id: int, path: str) -> None:
    """Count one file. An error to read it is tried again; one to understand it is not."""
    census, file = _census(census_id), Path(path)
    if not is_permitted_file(file, folders=census.folder_paths):
        raise Discard(f"{path} leads out of the folders of census {census_id}")
    if (size := file.stat().st_size) > LARGEST_SOURCE:
        raise Unprocessable(f"{size:,} bytes are no source file")
    source = file.read_bytes()
    try:
        facts = analyse_source(source, name=file.name)
    except UnicodeDecodeError as error:
        raise Unprocessable(f"the bytes are not what the file declares: {error}") from error
    recording.save_file(census, file, facts, size_bytes=len(source))


@job(name="census.check_distribution", max_attempts=3, backoff=Exponential(initial=1))
async def check_distribution(census_id: int, name: str, folder: str) -> None:
    """Compare an installed distribution to the record of its installer."""
    try:
        facts = await distributions.check_distribution(name, folder=Path(folder))
    except distributions.DistributionGone as error:
        raise Cancel(str(error)) from error
    await recording.save_distribution(census_id, facts)


@job(
    name="census.summarise_census",
    priority=20,  # so that the page shows a summary while the files are being counted
    unique_by=("census_id",),  # whoever asks meanwhile gets the one that is under way
    backoff=Constant(1),
    max_reprocess_count=None,  # it snoozes until the last file is counted
)
def summarise_census(census_id: int) -> dict[str, object] | Snooze:
    """Add up what was counted so far, again and again until nothing is left to count."""
    census = _census(census_id)
    is_complete = files_left(census) == 0  # asked first: what ends later is in the next summary
    totals = summaries.save_summary(census, is_complete=is_complete)
    if not is_complete:
        return Snooze(delay=1)
    # The report may be waiting out a long backoff by now; there is no reason left to.
    run_now(handler=publish_report, fingerprint=census.fingerprint)
    return totals


@job(
    name="census.publish_report",
    priority=10,
    unique_by=("census_id",),
    max_attempts=30,
    backoff=Exponential(initial=1, factor=2, max_delay=60),
)
def publish_report(context: JobContext, census_id: int) -> str:
    """Write the report of a complete census; return the name of its file."""
    census = _census(census_id)
    if not census.is_complete:
        raise CensusIncomplete(census_id, files_left(census))
    context.log(f"attempt {context.attempt} found the census complete")
    return publishing.publish(census, folder=places.reports())


@job(name="census.count_usual_folders", schedulable=True)
def count_usual_folders() -> int:
    """Start a census of the usual folders; the settings say when."""
    from .starting import start_census  # which imports the handlers above

    return start_census(places.usual_folders()).pk


def _census(census_id: int) -> Census:
    try:
        return Census.objects.get(pk=census_id)
    except Census.DoesNotExist:
        raise Cancel(f"census {census_id} was deleted") from None
