"""Adding up what was counted: aggregate queries, and the JSON that pages are made of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Now

from .models import Census, DistributionReport, FileReport

TOP_PACKAGES = 12
TOP = 8  #: rows of every other ranking
#: Lower bounds of the columns of the histogram, in lines.
FILE_SIZES = (0, 1, 10, 30, 100, 300, 1000, 3000)

_SUMMED = (
    "size_bytes",
    "lines",
    "code_lines",
    "comment_lines",
    "blank_lines",
    "functions",
    "async_functions",
    "classes",
    "documentable",
    "documented",
)
_LARGEST = ("deepest_nesting", "highest_complexity", "longest_function_lines")

Summary = dict[str, Any]


def save_summary(census: Census, *, is_complete: bool) -> dict[str, object]:
    """Summarise what is known of the census by now, store it with the census, return the totals."""
    summary = summary_of(census)
    Census.objects.filter(pk=census.pk).update(
        summary=summary, summarised_at=Now(), is_complete=is_complete
    )
    totals: dict[str, object] = summary["totals"]
    return totals


def summary_of(census: Census) -> Summary:
    """Return the totals, the rankings and the histogram of a census as plain JSON."""
    files = FileReport.objects.filter(census=census)
    return {
        "totals": _totals(files),
        "packages": _packages(files),
        "file_sizes": _file_sizes(files),
        "longest_files": list(files.order_by("-lines", "path").values("path", "lines")[:TOP]),
        "longest_functions": list(
            files.order_by("-longest_function_lines", "path").values(
                "path", "longest_function", "longest_function_lines"
            )[:TOP]
        ),
        "imports": _imports(files),
        "distributions": _distributions(census),
    }


def _totals(files: QuerySet[FileReport]) -> dict[str, int]:
    sums = {name: Coalesce(Sum(name), 0) for name in _SUMMED}
    largest = {name: Coalesce(Max(name), 0) for name in _LARGEST}
    return files.aggregate(
        files=Count("id"), packages=Count("package", distinct=True), **sums, **largest
    )


def _packages(files: QuerySet[FileReport]) -> Sequence[Mapping[str, Any]]:
    counted = files.values(name=F("package")).annotate(
        files=Count("id"),
        total=Sum("lines"),
        code=Sum("code_lines"),
        comment=Sum("comment_lines"),
        blank=Sum("blank_lines"),
    )
    return list(counted.order_by("-total", "name")[:TOP_PACKAGES])


def _file_sizes(files: QuerySet[FileReport]) -> list[dict[str, int]]:
    """Each `from` is the least number of lines; the next `from` is one too many."""
    bounds = list(zip(FILE_SIZES, (*FILE_SIZES[1:], None), strict=True))
    columns = {f"from_{low}": Count("id", filter=_between(low, high)) for low, high in bounds}
    counts = files.aggregate(**columns)
    return [{"from": low, "files": counts[f"from_{low}"]} for low in FILE_SIZES]


def _between(low: int, high: int | None) -> Q:
    return Q(lines__gte=low) if high is None else Q(lines__gte=low, lines__lt=high)


def _imports(files: QuerySet[FileReport]) -> list[dict[str, Any]]:
    every = chain.from_iterable(files.values_list("imports", flat=True).iterator())
    common = Counter(every).most_common(TOP)
    return [{"name": name, "files": count} for name, count in common]


def _distributions(census: Census) -> dict[str, Any]:
    checked = list(DistributionReport.objects.filter(census=census))
    licences = Counter(found.licence or "not stated" for found in checked)
    return {
        "checked": len(checked),
        "files": sum(found.files_checked for found in checked),
        "bytes": sum(found.bytes_checked for found in checked),
        "altered": [f"{found}: {name}" for found in checked for name in found.altered],
        "missing": [f"{found}: {name}" for found in checked for name in found.missing],
        "licences": [
            {"name": name, "distributions": count} for name, count in licences.most_common(TOP)
        ],
    }
