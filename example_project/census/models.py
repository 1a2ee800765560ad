from pathlib import Path

from django.db import models
from django.db.models import F


class Census(models.Model):
    """One count of the Python files below some folders; `summary` is null until one was made."""

    folders = models.JSONField(help_text="Absolute paths of the folders that are counted")
    pattern = models.CharField(max_length=100, default="*.py")
    files_found = models.PositiveIntegerField()
    started_at = models.DateTimeField(auto_now_add=True)

    summary = models.JSONField(null=True, editable=False)
    summarised_at = models.DateTimeField(null=True, editable=False)
    is_complete = models.BooleanField(
        default=False, help_text="Whether the summary was made after the last file"
    )
    report_name = models.CharField(max_length=100, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "censuses"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"census {self.pk} of {' and '.join(self.folder_names)}"

    @property
    def folder_paths(self) -> list[Path]:
        return [Path(folder) for folder in self.folders]

    @property
    def folder_names(self) -> list[str]:
        return [path.name for path in self.folder_paths]

    @property
    def fingerprint(self) -> str:
        """The label of every job of this census, by which they are counted and cancelled."""
        return f"census-{self.pk}"


class FileReport(models.Model):
    """The facts of one file; `analysis.SourceFacts` says what each number means."""

    census = models.ForeignKey(Census, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=1000)
    package = models.CharField(max_length=255)
    size_bytes = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()
    code_lines = models.PositiveIntegerField()
    comment_lines = models.PositiveIntegerField()
    blank_lines = models.PositiveIntegerField()
    functions = models.PositiveIntegerField()
    async_functions = models.PositiveIntegerField()
    classes = models.PositiveIntegerField()
    documentable = models.PositiveIntegerField()
    documented = models.PositiveIntegerField()
    imports = models.JSONField()
    deepest_nesting = models.PositiveIntegerField()
    highest_complexity = models.PositiveIntegerField()
    longest_function = models.CharField(max_length=255, blank=True)
    longest_function_lines = models.PositiveIntegerField()

    class Meta:
        verbose_name = "file"
        constraints = [
            models.UniqueConstraint(fields=["census", "path"], name="census_one_report_per_file"),
        ]
        indexes = [
            models.Index(fields=["census", "package"], name="census_file_package"),
            models.Index("census", F("lines").desc(), name="census_file_lines"),
        ]

    def __str__(self) -> str:
        return self.path


class DistributionReport(models.Model):
    """An installed distribution, and whether its files are what its installer wrote."""

    census = models.ForeignKey(Census, on_delete=models.CASCADE, related_name="distributions")
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=100)
    licence = models.TextField(blank=True)
    files_checked = models.PositiveIntegerField()
    bytes_checked = models.PositiveBigIntegerField()
    altered = models.JSONField(help_text="Files whose content is not what the installer wrote")
    missing = models.JSONField(help_text="Files that are gone")

    class Meta:
        verbose_name = "distribution"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["census", "name"], name="census_one_report_per_distribution"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
