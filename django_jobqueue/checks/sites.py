"""What else the site has to have installed."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error


def check_admin(**_: Any) -> Sequence[CheckMessage]:
    """E008: list pages of the admin whose filters have no template."""
    if not apps.is_installed("django.contrib.admin") or apps.is_installed("rangefilter"):
        return []
    return [
        Error(
            "The admin lists jobs by ranges of dates, and the app that draws these is not "
            "installed: its pages will fail with TemplateDoesNotExist.",
            hint='Add "rangefilter" to INSTALLED_APPS; the package is installed with this one.',
            id="jobqueue.E008",
        )
    ]
