from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .models import Census, DistributionReport, FileReport

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ResultAdmin(ModelAdmin):
    """What jobs have written is looked at, and deleted, but not made or changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Census)
class CensusAdmin(ResultAdmin):
    list_display = ("__str__", "started_at", "files_found", "is_complete", "page")
    list_filter = ("is_complete",)
    date_hierarchy = "started_at"

    @admin.display(description="page")
    def page(self, census: Census) -> SafeString:
        return format_html('<a href="{}">open</a>', reverse("census:show", args=[census.pk]))


@admin.register(FileReport)
class FileReportAdmin(ResultAdmin):
    list_display = (
        "path",
        "package",
        "lines",
        "functions",
        "classes",
        "highest_complexity",
        "deepest_nesting",
    )
    list_filter = ("census",)
    list_select_related = False
    search_fields = ("path", "=package")
    show_full_result_count = False


@admin.register(DistributionReport)
class DistributionReportAdmin(ResultAdmin):
    list_display = ("name", "version", "licence", "files_checked", "is_intact")
    list_filter = ("census",)
    search_fields = ("name", "licence")

    @admin.display(boolean=True, description="as installed")
    def is_intact(self, report: DistributionReport) -> bool:
        return not (report.altered or report.missing)
