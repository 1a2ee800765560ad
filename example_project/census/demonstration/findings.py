"""What a census found, as text for a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django_jobqueue import JobHandle
from django_jobqueue.models import ArchivedJob
from example_project.census.dead_letters import dead_letters_of
from example_project.census.models import Census
from example_project.census.progress import progress_of

_TOP = 8
_ERROR_LENGTH = 160


def findings(census: Census) -> Iterator[str]:
    """Yield the lines; the last one is "N archived, M dead". The census must be complete."""
    summary: dict[str, Any] = census.summary or {}
    yield from _totals(summary["totals"])
    yield from _ranking(
        "Largest packages", [(row["name"], row["total"]) for row in summary["packages"][:_TOP]]
    )
    yield from _ranking(
        "Longest files", [(row["path"], row["lines"]) for row in summary["longest_files"][:_TOP]]
    )
    yield from _installed(summary["distributions"])
    yield from _retried(census)
    yield from _dead(census)
    progress = progress_of(census)
    yield ""
    yield f"{progress.archived} archived, {progress.dead} dead"


def _totals(totals: dict[str, int]) -> Iterator[str]:
    documented = 100 * totals["documented"] // max(totals["documentable"], 1)
    yield ""
    yield (
        f"{totals['files']:,} files in {totals['packages']:,} packages, "
        f"{totals['size_bytes'] / 1e6:,.1f} MB, {totals['lines']:,} lines: "
        f"{totals['code_lines']:,} of code, {totals['comment_lines']:,} of comments, "
        f"{totals['blank_lines']:,} blank"
    )
    yield (
        f"{totals['functions']:,} functions, {totals['async_functions']:,} of them async, "
        f"in {totals['classes']:,} classes; {documented} % have a docstring"
    )


def _ranking(title: str, rows: Sequence[tuple[str, int]]) -> Iterator[str]:
    yield from ("", f"{title}, in lines")
    for name, lines in rows:
        yield f"  {lines:>9,}  {name}"


def _installed(found: dict[str, Any]) -> Iterator[str]:
    if not found["checked"]:
        return
    damaged = [f"altered: {told}" for told in found["altered"]]
    damaged += [f"missing: {told}" for told in found["missing"]]
    yield ""
    verdict = f"{len(damaged)} differ" if damaged else "all intact"
    yield (
        f"{found['checked']} distributions, {found['files']:,} files "
        f"({found['bytes'] / 1e6:,.0f} MB) compared to their recorded hashes: {verdict}"
    )
    yield from _indented(damaged)


def _retried(census: Census) -> Iterator[str]:
    publishing = ArchivedJob.objects.filter(
        fingerprint=census.fingerprint, handler="census.publish_report"
    )
    for job_id in publishing.values_list("id", flat=True):
        failed = [run for run in JobHandle(job_id).attempts if run.outcome == "failed"]
        yield ""
        yield f"The report was published on attempt {len(failed) + 1}. Before, it was too early:"
        yield from _indented(f"{run.attempt}. {run.message}" for run in failed)


def _dead(census: Census) -> Iterator[str]:
    yield from ("", "Dead letters")
    for letter in dead_letters_of(census):
        tried = f" after {letter.attempt} attempts" if letter.attempt > 1 else ""
        yield f"  {letter.subject}: {letter.reason}{tried}"
        yield f"      {_shortened(letter.error)}"


def _shortened(text: str) -> str:
    return text if len(text) <= _ERROR_LENGTH else f"{text[: _ERROR_LENGTH - 1]}…"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
